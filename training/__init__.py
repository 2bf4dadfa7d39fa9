"""Training: a balanced dataset becomes a predictor, an exported classifier and its model card.

It runs under SageMaker's script contract, on AWS, on a laptop and in tests alike:

    in    SM_CHANNEL_TRAINING, _VALIDATION, _TEST   one JSON-lines file each, as CheckBalance wrote it
          SM_CHANNEL_MANIFEST                       manifest.json
          hyperparameters                           `--name value` arguments, see training/recipe.py
    out   SM_MODEL_DIR/predictor/                   AutoGluon's MultiModalPredictor
          SM_MODEL_DIR/serving/                     model.onnx, tokenizer.json, classifier.json, model_card.json
          SM_OUTPUT_DIR/failure                     one sentence, only when it fails; the exit code is then 1

What the packed source holds (whoever packs it keeps to this):

    training/*.py, training/requirements.txt        this package
    plumbline/                                      the domain package, whole
    requirements.txt                                a copy of training/requirements.txt: SageMaker installs the root's

with sagemaker_program = training/train.py. SageMaker's toolkit puts the source folder on PYTHONPATH; from the
repository it is `PYTHONPATH=layers/core:. python training/train.py --task root_cause`.

Only this package (and bench) may import AutoGluon, torch, scikit-learn and onnx; of its modules, recipe, dataset,
figures, card and progress need none of them. No case text in any line of the log.
"""
