from contacts.models.people import Office, OfficeContact, Provider, ProviderOffice, Specialty
from contacts.models.referrals import Referral, ReferralStep

__all__ = ["Office", "OfficeContact", "Provider", "ProviderOffice", "Referral", "ReferralStep", "Specialty"]
