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


@dataclass(frozen=True)
class Kind:
    """A kind of referring provider: the NUCC code of the usual specialty, how many of a hundred, and where."""

    credentials: str
    code: str
    weight: int
    office: str = ""  # the kind of office; empty: any that is open to all


KINDS = (
    Kind("MD", "207Q00000X", 22),
    Kind("MD", "207R00000X", 16),
    Kind("DO", "207Q00000X", 11),
    Kind("NP", "363LF0000X", 11),
    Kind("PA", "363A00000X", 9),
    Kind("MD", "208000000X", 5, "Pediatrics"),
    Kind("MD", "207V00000X", 4, "Women’s Health"),
    Kind("MD", "207P00000X", 4, "Urgent Care"),
    Kind("DPM", "213E00000X", 4, "Foot and Ankle"),
    Kind("OD", "152W00000X", 3, "Eye Care"),
    Kind("DDS", "122300000X", 2, "Dental Group"),
    Kind("DMD", "122300000X", 2, "Dental Group"),
    Kind("DC", "111N00000X", 3, "Chiropractic"),
    Kind("PhD", "103TC0700X", 2, "Behavioral Health"),
    Kind("DPT", "225100000X", 2, "Physical Therapy"),
)
COMMON = KINDS[:5]  # whoever sends most is one of these
SPECIAL_OFFICES = tuple(dict.fromkeys(kind.office for kind in KINDS if kind.office))
OPEN_OFFICES = ("Family Medicine", "Internal Medicine", "Primary Care", "Medical Associates", "Health Center")
