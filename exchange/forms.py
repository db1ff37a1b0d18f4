"""What is asked while a file is brought in."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from contacts.models.referrals import Channel
from exchange.columns import DATES, FIELDS, set_date_order
from exchange.dates import DMY, MDY
from exchange.files import too_large
from exchange.models import Layout

WHO_SENT = ("provider_name", "provider_family_name", "provider_npi", "office_name")
WHO_CAME = ("patient_name", "patient_family_name", "patient_chart_number")
SHOWN_VALUES = 3


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File of referrals"),
        help_text=_(
            "CSV or Excel (.xlsx), as your practice system exports it; up to 100,000 rows and 32 MB."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
        error_messages={"empty": _("This file is empty.")},
    )

    def __init__(self, request: HttpRequest) -> None:
        is_sent = request.method == "POST"
        super().__init__(request.POST if is_sent else None, request.FILES if is_sent else None)
        # A request above the limit arrives without its file (settings.FILE_UPLOAD_HANDLERS).
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            self.fields["file"].error_messages["required"] = too_large()


class ColumnsForm(forms.Form):
    """One choice per column, the order of day and month, and how referrals came where the file does not say."""

    channel = forms.ChoiceField(
        label=_("How these referrals came"),
        choices=Channel.choices,
        help_text=_("Where the file does not say it."),
    )

    def __init__(self, layout: Layout, data: Any = None) -> None:
        super().__init__(data, initial={"channel": layout.channel})
        self.layout = layout
        for place, field in enumerate(layout.columns):
            choices = [("", _("not brought in")), *FIELDS.items()]
            self.fields[f"column-{place}"] = forms.ChoiceField(
                label=self._header(place), choices=choices, required=False, initial=field
            )
        for field in DATES:
            self.fields[f"order-{field}"] = self._order_field(field)

    def _header(self, place: int) -> str:
        return self.layout.header[place].strip() or str(_("Column %(number)s") % {"number": place + 1})

    def _order_field(self, field: str) -> forms.ChoiceField:
        asks = field in self.layout.asks_order
        orders = [(MDY, _("month/day/year, as 3/14/2026")), (DMY, _("day/month/year, as 14/3/2026"))]
        return forms.ChoiceField(
            label=_("%(field)s is written") % {"field": FIELDS[field]},
            choices=[("", _("please say")), *orders] if asks else orders,
            initial="" if asks else self.layout.date_orders.get(field, MDY),
            required=asks,
            error_messages={"required": _("These dates read both ways: say which is meant.")},
        )

    def columns(self) -> Iterator[dict[str, Any]]:
        """Each column with its header, what stands in it, and its choice."""
        for place in range(len(self.layout.columns)):
            values = (cells[place].strip() for _line, cells in self.layout.sample if place < len(cells))
            shown = list(dict.fromkeys(value[:60] for value in values if value))[:SHOWN_VALUES]
            yield {"header": self._header(place), "values": shown, "field": self[f"column-{place}"]}

    def date_fields(self) -> list[forms.BoundField]:
        return [self[f"order-{field}"] for field in DATES if self.layout.place(field) is not None]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen = [cleaned.get(f"column-{place}", "") for place in range(len(self.layout.columns))]
        for field in {field for field in chosen if field and chosen.count(field) > 1}:
            self.add_error(None, _("Two columns say “%(field)s”: choose one.") % {"field": FIELDS[field]})
        if "received_on" not in chosen:
            self.add_error(None, _("Choose the column that says when each referral was received."))
        if not set(WHO_SENT) & set(chosen):
            self.add_error(
                None, _("Choose the column that says who sent the patient: a provider or an office.")
            )
        if not set(WHO_CAME) & set(chosen):
            self.add_error(None, _("Choose the column that says who the patient is."))
        return {**cleaned, "columns": chosen}

    def changed_layout(self, data: list[list[str]]) -> Layout:
        """The layout as chosen. A date column chosen anew has its order inferred anew."""
        layout = self.layout
        before = {field: layout.place(field) for field in DATES}
        layout.columns, layout.channel = self.cleaned_data["columns"], self.cleaned_data["channel"]
        for field in DATES:
            if layout.place(field) != before[field]:
                layout.date_orders.pop(field, None)
                set_date_order(layout, field, data)
            elif order := self.cleaned_data[f"order-{field}"]:
                layout.date_orders[field] = order
                layout.asks_order = [name for name in layout.asks_order if name != field]
        return layout
