from django.urls import URLPattern, URLResolver, include, path

from touchpoints import views

thank_you_row = [
    path("", views.thank_you_row, name="thank_you_row"),
    path("card/", views.thank_you_card, name="thank_you_card"),
    path("call/", views.thank_you_call, name="thank_you_call"),
    path("skip/", views.thank_you_skip, name="thank_you_skip"),
    path("carry/", views.thank_you_carry, name="thank_you_carry"),
    path("hand-over/", views.thank_you_hand_over, name="thank_you_hand_over"),
    path("written/", views.thank_you_written, name="thank_you_written"),
    path("mailed/", views.thank_you_mailed, name="thank_you_mailed"),
    path("take-back/", views.thank_you_take_back, name="thank_you_take_back"),
]

return_referral = [
    path("", views.return_referral, name="return_referral"),
    path("need/", views.return_referral_need, name="return_referral_need"),
    path("choice/", views.return_referral_choice, name="return_referral_choice"),
    path("accepting/", views.return_referral_accepting, name="return_referral_accepting"),
    path("step/", views.return_referral_step, name="return_referral_step"),
    path("letter.pdf", views.return_referral_letter, name="return_referral_letter"),
]

feedback = [
    path("", views.feedback, name="feedback"),
    path("new/", views.feedback_new, name="feedback_new"),
    path("ask/", views.feedback_ask, name="feedback_ask"),
    path("<int:feedback_id>/", views.feedback_answer, name="feedback_answer"),
    path("issues/<int:issue_id>/", views.feedback_issue, name="feedback_issue"),
    path("issues/<int:issue_id>/resolve/", views.feedback_issue_resolve, name="feedback_issue_resolve"),
    path("issues/<int:issue_id>/tell/", views.feedback_issue_tell, name="feedback_issue_tell"),
    path("issues/<int:issue_id>/hand-over/", views.feedback_issue_hand_over, name="feedback_issue_hand_over"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("thank-you/", views.thank_you, name="thank_you"),
    path("thank-you/<week:week>/", views.thank_you_week, name="thank_you_week"),
    path("thank-you/<week:week>/<slug:kind>.pdf", views.week_cards_printed, name="week_cards_printed"),
    path("thank-you/rows/<int:row_id>/", include(thank_you_row)),
    path("thank-you/cards/", views.thank_you_cards, name="thank_you_cards"),
    path("thank-you/cards/<slug:kind>.pdf", views.cards_printed, name="cards_printed"),
    path("thank-you/cards/put-back/", views.thank_you_put_back, name="thank_you_put_back"),
    path("settings/stationery/", views.stationery, name="stationery"),
    path("settings/stationery/test-sheet.pdf", views.stationery_test_sheet, name="stationery_test_sheet"),
    path("calendar/", views.calendar, name="calendar"),
    path("calendar/revoke/", views.calendar_revoke, name="calendar_revoke"),
    path("calendar/<str:token>.ics", views.calendar_feed, name="calendar_feed"),
    path("providers/<int:provider_id>/", views.provider, name="provider"),
    path("offices/<int:office_id>/", views.office, name="office"),
    path("touchpoints/new/", views.touchpoint_new, name="touchpoint_new"),
    path("touchpoints/<int:touchpoint_id>/", views.touchpoint, name="touchpoint"),
    path("touchpoints/<int:touchpoint_id>/edit/", views.touchpoint_edit, name="touchpoint_edit"),
    path("touchpoints/<int:touchpoint_id>/withdraw/", views.touchpoint_withdraw, name="touchpoint_withdraw"),
    path("touchpoints/<int:touchpoint_id>/done/", views.touchpoint_done, name="touchpoint_done"),
    path("return-referrals/", views.return_referrals, name="return_referrals"),
    path("return-referrals/new/", views.return_referral_new, name="return_referral_new"),
    path("return-referrals/<int:return_referral_id>/", include(return_referral)),
    path("feedback/", include(feedback)),
    path(
        "providers/<int:provider_id>/feedback/ask/", views.feedback_ask_provider, name="feedback_ask_provider"
    ),
    path("offices/<int:office_id>/feedback/ask/", views.feedback_ask_office, name="feedback_ask_office"),
    path("f/thanks/", views.feedback_thanks, name="feedback_thanks"),
    path("f/<str:token>/", views.feedback_public, name="feedback_public"),
    path("meetings/", views.meetings, name="meetings"),
    path("meetings/new/", views.meeting_new, name="meeting_new"),
    path("meetings/people/", views.meeting_people_options, name="meeting_people_options"),
    path("meetings/<int:meeting_id>/", views.meeting, name="meeting"),
    path("meetings/<int:meeting_id>/edit/", views.meeting_edit, name="meeting_edit"),
    path("meetings/<int:meeting_id>/held/", views.meeting_held, name="meeting_held"),
    path("meetings/<int:meeting_id>/cancel/", views.meeting_cancel, name="meeting_cancel"),
    path("meetings/<int:meeting_id>/invite/", views.meeting_invite, name="meeting_invite"),
    path("gifts/", views.gifts, name="gifts"),
    path("gifts/new/", views.gift_new, name="gift_new"),
    path("gifts/<int:gift_id>/", views.gift, name="gift"),
    path("gifts/<int:gift_id>/withdraw/", views.gift_withdraw, name="gift_withdraw"),
    path("gifts/<int:year>/returned/<int:provider_id>/", views.gift_return, name="gift_return"),
    path("gifts/<int:year>.csv", views.gifts_exported, name="gifts_exported"),
    path("settings/gift-limits/", views.gift_limits, name="gift_limits"),
    path("settings/gift-limits/<int:year>/", views.gift_limit, name="gift_limit"),
    path("reminders/", views.reminders, name="reminders"),
    path("reminders/<int:reminder_id>/", views.reminder, name="reminder"),
    path("reminders/<int:reminder_id>/done/", views.reminder_done, name="reminder_done"),
    path("reminders/<int:reminder_id>/snooze/", views.reminder_snooze, name="reminder_snooze"),
    path("reminders/<int:reminder_id>/dismiss/", views.reminder_dismiss, name="reminder_dismiss"),
]
