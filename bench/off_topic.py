"""Forty short texts that are no support case: what arrives in a helpdesk by mistake, by machine or as a joke."""

from typing import Final

from plumbline.contracts.cases import AnonymizedCase, Message

OFF_TOPIC: Final[tuple[tuple[str, str], ...]] = (
    (
        "Lentil soup",
        "Fry an onion, add two cups of red lentils and a carrot, cover with water, simmer for half an hour.",
    ),
    ("Out of office", "I am on leave until the ninth and read no mail. In urgent cases ask at the front desk."),
    ("Undeliverable", "This is the mail system. Your message could not be delivered to one or more recipients."),
    (
        "Application as a gardener",
        "I would like to apply for the position. I have pruned apple trees for eleven years.",
    ),
    (
        "Football on Sunday",
        "We need two more players for Sunday at ten. Bring both shirts, the dark and the light one.",
    ),
    (
        "Our wedding",
        "We are getting married in June and would love to have you with us. The meadow is behind the mill.",
    ),
    (
        "The fox and the lamp",
        "Once a fox found a lamp in the wood. It did not burn, so he told it stories until it did.",
    ),
    (
        "You have won",
        "Congratulations! Your address was drawn among millions. Send us your bank details to get the prize.",
    ),
    (
        "Cheap watches",
        "Buy three watches, pay for one. Only today. Waterproof, golden, with box. Order now, order now.",
    ),
    ("Chess, move 14", "Knight takes on e5. If you take back I win the exchange, so think twice. Your turn."),
    (
        "Weather for the coast",
        "Cloudy in the morning, light rain from the west by noon, clearing up towards the evening.",
    ),
    (
        "Minutes of the choir",
        "Present: nine singers. The treasurer reports that the piano was tuned. Next rehearsal Monday.",
    ),
    ("Crossword", "Seven letters, a river in Asia, third letter n. And five letters, not often, ends on m."),
    ("Happy birthday", "All the best for your fiftieth! Stay as you are, and keep us a slice of the cake."),
    ("Flat to let", "Two rooms, kitchen, bath, third floor with balcony, quiet street, free from the first of May."),
    (
        "Lost cat",
        "Grey cat with white paws, answers to no name, last seen near the playground. Please look in your shed.",
    ),
    ("Training plan", "Week one: run twenty minutes, walk five, three times. Week two: run thirty, walk five."),
    ("Film of the week", "The second hour drags, but the scene in the lighthouse alone is worth the ticket."),
    ("Chain letter", "Send this to ten friends before midnight and you will be lucky for seven years."),
    ("Haiku", "Snow on the bus stop. / Nobody waits any more. / The timetable hangs."),
    ("Homework", "Explain in your own words why the Hanseatic League lost its importance. At least two pages."),
    ("Lease, section 4", "The tenant shall keep the stairs clear and give notice in writing three months in advance."),
    ("Survey on bees", "How many hives do you keep, and how many colonies did you lose last winter?"),
    ("Horoscope", "Today the stars smile at you. Avoid decisions after lunch, and wear something blue."),
    ("asdf", "asdf asdf jkl; qwer qwer zxcv"),
    ("test", "test test 1 2 3, please ignore"),
    ("...", "..."),
    ("Stock report", "The index closed half a percent higher. Energy led, retail lagged, volumes were thin."),
    ("Letter to an aunt", "Dear aunt, thank you for the socks. The baby has two teeth now and bites everybody."),
    ("Parking", "Whoever owns the green van: you are blocking the gate of number twelve. Please move it."),
    ("Song of the ferry", "Oh carry me over, ferryman, ferryman, the other side is where my boots are."),
    ("Bread that fails", "My sourdough does not rise in winter. Should I keep it nearer to the stove, or feed it rye?"),
    ("Dentist", "This is to remind you of your check-up on Thursday at half past three. Please bring your card."),
    ("Rezept gesucht", "Hat jemand das Rezept für den Apfelkuchen vom Gemeindefest? Er war mit Zimt und Nüssen."),
    ("Fête du village", "La fête commence samedi à midi sur la place. Apportez vos chaises et votre bonne humeur."),
    ("Meeting moved", "The parents' evening is moved to room 12 on the second floor, same time, coffee as always."),
    (
        "Travel diary, day 3",
        "Over the pass by bus, then down to the lake. Rain until four, soup at the inn, early to bed.",
    ),
    (
        "Partnership opportunity",
        "Dear sir or madam, we are a leading maker of gravel and seek distributors in your area.",
    ),
    ("Election of the board", "The allotment club elects its board in March. Candidates sign the list in the shed."),
    ("Riddle", "I have teeth and cannot bite, I am often in your hand and sometimes break in winter. What am I?"),
)


def off_topic_cases() -> list[AnonymizedCase]:
    """The texts as cases, which hold no personal data."""
    return [
        AnonymizedCase(
            case_id=f"off-topic-{number}",
            subject=subject,
            messages=(Message(role="customer", text=text),),
            entities={},
            fingerprint="0" * 16,
        )
        for number, (subject, text) in enumerate(OFF_TOPIC, start=1)
    ]
