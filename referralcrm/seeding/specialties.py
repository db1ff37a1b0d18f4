"""Whom an invented practice has, and who refers to it: specialties, credentials, waits, reasons."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OwnSpecialty:
    """One of our physicians' specialties, the mean days a patient waits for it, and why patients are sent."""

    name: str
    wait_days: int
    reasons: tuple[str, ...]


OWN_SPECIALTIES = (
    OwnSpecialty(
        "Orthopaedic Surgery",
        12,
        ("Knee pain after a fall", "Shoulder pain, limited motion", "Hip osteoarthritis", "Wrist injury"),
    ),
    OwnSpecialty(
        "Cardiology",
        33,
        ("Palpitations", "Chest discomfort on exertion", "New murmur", "Hypertension, hard to control"),
    ),
    OwnSpecialty(
        "Gastroenterology",
        40,
        ("Reflux despite treatment", "Screening colonoscopy", "Abdominal pain", "Abnormal liver enzymes"),
    ),
    OwnSpecialty(
        "Gynecology",
        42,
        ("Abnormal bleeding", "Pelvic pain", "Abnormal cervical screening", "Menopause symptoms"),
    ),
    OwnSpecialty(
        "Family Medicine",
        24,
        ("Needs a primary care physician", "Diabetes follow-up", "Annual examination"),
    ),
)

# Credentials, the NUCC code of the usual specialty, and how many of a hundred referring providers carry them.
CREDENTIALS = (
    ("MD", "207Q00000X", 22),
    ("MD", "207R00000X", 16),
    ("MD", "208000000X", 5),
    ("MD", "207V00000X", 4),
    ("MD", "207P00000X", 4),
    ("DO", "207Q00000X", 11),
    ("NP", "363LF0000X", 11),
    ("PA", "363A00000X", 9),
    ("DPM", "213E00000X", 4),
    ("OD", "152W00000X", 3),
    ("DDS", "122300000X", 2),
    ("DMD", "122300000X", 2),
    ("DC", "111N00000X", 3),
    ("PhD", "103TC0700X", 2),
    ("DPT", "225100000X", 2),
)
