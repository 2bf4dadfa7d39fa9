"""CheckBalance: are there enough labels of every class? Picks the balanced set and writes it as a dataset."""

from datetime import UTC, datetime

from plumbline import keys
from plumbline.check_balance.pick import Picked, pick
from plumbline.check_balance.pool import Pool, read_pool
from plumbline.check_balance.write import write_dataset
from plumbline.contracts.datasets import DatasetManifest
from plumbline.contracts.runs import BalanceResult, BalanceTask, ClassCount, Verdict
from plumbline.gold import read_gold
from plumbline.ports import Ledger, ListedStore, ObjectStore
from plumbline.prompting import LoadedPrompt


def check_balance(task: BalanceTask, *, data: ListedStore, ledger: Ledger, prompt: LoadedPrompt) -> BalanceResult:
    """Count the task's accepted labels against the target, write the best balanced dataset there is, say how it stands.

    The verdict is `balanced` when every class reaches the target (near-duplicates left out), `short` when some do not,
    `empty` when there is no label at all. A person's label stands above the model's. The same labels always give the
    same dataset, under the same version.
    """
    run, categories = task.run, prompt.prompt.category_names
    pool = read_pool(run, categories, data, ledger, read_gold(run.task, data))
    picked = pick(pool, categories, run.target_per_class)
    counts = tuple(
        ClassCount(
            category=name,
            this_run=pool.this_run[name],
            accepted=pool.accepted(name) - picked.duplicates[name],
            target=run.target_per_class,
        )
        for name in categories
    )
    missing = {c.category: c.target - c.accepted for c in counts if c.accepted < c.target}
    verdict: Verdict = "empty" if not picked.candidates else "short" if missing else "balanced"
    manifest = _write(task, data, pool, picked, categories, verdict) if picked.candidates else None
    return BalanceResult(
        verdict=verdict,
        counts=counts,
        missing=missing,
        more_cases_needed=_more_cases(missing, pool),
        near_duplicates=picked.duplicates.total(),
        dataset_version=manifest.version if manifest else None,
        manifest_key=keys.dataset_manifest(run.task, manifest.version) if manifest else None,
        selected=len(picked.candidates),
    )


def _more_cases(missing: dict[str, int], pool: Pool) -> dict[str, int | None]:
    """How many more cases it takes at the prevalence seen; None for a class that was never seen."""
    total = sum(pool.accepted(name) for name in pool.candidates)
    return {
        name: -(-short * total // pool.accepted(name)) if pool.accepted(name) else None
        for name, short in missing.items()
    }


def _write(
    task: BalanceTask, data: ObjectStore, pool: Pool, picked: Picked, categories: tuple[str, ...], verdict: Verdict
) -> DatasetManifest:
    run = task.run
    version = picked.version()
    files = write_dataset(run.task, version, picked, data)
    prompts, models = pool.lineage_of(picked.candidates)
    manifest = DatasetManifest(
        task=run.task,
        version=version,
        created_at=datetime.now(UTC),
        verdict=verdict,
        target_per_class=run.target_per_class,
        categories=categories,
        per_class={name: picked.per_class[name] for name in categories},
        files=files,
        prompts=prompts,
        model_ids=models,
        run_ids=tuple(sorted({candidate.run_id for candidate in picked.candidates})),
        near_duplicates_left_out=picked.duplicates.total(),
        human_labels=sum(candidate.by_person for candidate in picked.candidates),
        pool_per_class={name: pool.accepted(name) for name in categories},
    )
    data.write(keys.dataset_manifest(run.task, version), manifest.model_dump_json(indent=2).encode())
    return manifest
