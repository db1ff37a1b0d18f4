from contacts.models.merges import Merge, NotADouble
from contacts.models.people import Office, OfficeContact, Provider, ProviderOffice, Specialty
from contacts.models.referrals import Referral
from contacts.models.steps import ReferralStep

__all__ = [
    "Merge",
    "NotADouble",
    "Office",
    "OfficeContact",
    "Provider",
    "ProviderOffice",
    "Referral",
    "ReferralStep",
    "Specialty",
]
