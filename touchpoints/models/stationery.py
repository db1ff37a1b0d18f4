"""How this practice prints: return address, sheet, printer offset."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from practices.models import PracticeModel


class Stationery(PracticeModel):
    """One row per practice."""

    class Labels(models.TextChoices):
        AVERY_5160 = "5160", _("Avery 5160 / 8160: 30 labels of 2⅝ × 1 in")
        AVERY_5163 = "5163", _("Avery 5163: 10 labels of 4 × 2 in")

    class Envelope(models.TextChoices):
        NUMBER_10 = "10", _("#10: 9½ × 4⅛ in")
        A2 = "A2", _("A2: 5¾ × 4⅜ in")
        A7 = "A7", _("A7: 7¼ × 5¼ in")

    return_name = models.CharField(_("return name"), max_length=100, blank=True)
    return_street = models.CharField(_("street"), max_length=100, blank=True)
    return_city = models.CharField(_("city"), max_length=100, blank=True)
    return_state = models.CharField(_("state"), max_length=2, blank=True)
    return_zip_code = models.CharField(_("ZIP code"), max_length=10, blank=True)
    labels = models.CharField(
        _("label sheet"), max_length=4, choices=Labels.choices, default=Labels.AVERY_5160
    )
    envelope = models.CharField(_("envelope"), max_length=4, choices=Envelope.choices, default=Envelope.A7)
    offset_right_mm = models.DecimalField(
        _("printer offset to the right, mm"),
        max_digits=4,
        decimal_places=1,
        default=0,
        validators=[MinValueValidator(-20), MaxValueValidator(20)],
    )
    offset_down_mm = models.DecimalField(
        _("printer offset down, mm"),
        max_digits=4,
        decimal_places=1,
        default=0,
        validators=[MinValueValidator(-20), MaxValueValidator(20)],
    )

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice"], name="stationery_once_per_practice"),
        ]
