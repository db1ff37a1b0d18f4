from django.urls import URLPattern, URLResolver, path

from contacts.views import duplicates, people, quick_log, referral_list, referrals, search

urlpatterns: list[URLPattern | URLResolver] = [
    path("referrals/", referral_list.referrals, name="referrals"),
    path("referrals/new/", quick_log.referral_new, name="referral_new"),
    path("referrals/<int:referral_id>/", referrals.referral, name="referral"),
    path("referrals/<int:referral_id>/edit/", referrals.referral_edit, name="referral_edit"),
    path("referrals/<int:referral_id>/step/", referrals.referral_step, name="referral_step"),
    path("referrals/<int:referral_id>/take-back/", referrals.referral_take_back, name="referral_take_back"),
    path("referrals/<int:referral_id>/withdraw/", referrals.referral_withdraw, name="referral_withdraw"),
    path("referrals/<int:referral_id>/physician/", referrals.referral_physician, name="referral_physician"),
    path("referrals/<int:referral_id>/provider/", referrals.referral_provider, name="referral_provider"),
    path("providers/options/", quick_log.provider_options, name="provider_options"),
    path("offices/options/", quick_log.office_options, name="office_options"),
    path("providers/", people.providers, name="providers"),
    path("providers/new/", people.provider_new, name="provider_new"),
    path("providers/form-of-address/", people.form_of_address, name="form_of_address"),
    path("providers/<int:provider_id>/edit/", people.provider_edit, name="provider_edit"),
    path(
        "providers/<int:provider_id>/merge/<int:other_id>/", duplicates.provider_merge, name="provider_merge"
    ),
    path(
        "providers/<int:provider_id>/not/<int:other_id>/",
        duplicates.provider_not_a_double,
        name="provider_not_a_double",
    ),
    path("offices/", people.offices, name="offices"),
    path("offices/new/", people.office_new, name="office_new"),
    path("offices/<int:office_id>/edit/", people.office_edit, name="office_edit"),
    path("offices/<int:office_id>/people/new/", people.office_contact_new, name="office_contact_new"),
    path(
        "offices/<int:office_id>/people/<int:contact_id>/",
        people.office_contact_edit,
        name="office_contact_edit",
    ),
    path(
        "offices/<int:office_id>/people/<int:contact_id>/remove/",
        people.office_contact_remove,
        name="office_contact_remove",
    ),
    path("offices/<int:office_id>/merge/<int:other_id>/", duplicates.office_merge, name="office_merge"),
    path(
        "offices/<int:office_id>/not/<int:other_id>/",
        duplicates.office_not_a_double,
        name="office_not_a_double",
    ),
    path("search/", search.search, name="search"),
    path("duplicates/", duplicates.duplicates, name="duplicates"),
    path("duplicates/merges/<int:merge_id>/undo/", duplicates.merge_undo, name="merge_undo"),
]
