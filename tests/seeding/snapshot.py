"""A practice's rows, so that two practices made alike compare equal: ids count from the practice's first."""

import re

from django.apps import apps
from django.db import models
from django.db.models import Min

from insights.models import Uncounted
from practices.isolation import practice_scope
from practices.models import AuditEntry, Member, PracticeModel, User
from touchpoints.models import Reminder

HASHED_WITH_THE_PRACTICE = {
    "patient_name_birth_index",
    "patient_name_initial_index",
    "patient_chart_index",
}


def snapshot(practice):
    """Every row of the practice by table, decrypted."""
    with practice_scope(practice):
        tables = [model for model in apps.get_models() if issubclass(model, PracticeModel)]
        # What the tick has yet to count stands in whatever order the database wrote it down; the trail says when,
        # in which transaction and in how many statements rows were made.
        tables = [model for model in tables if model not in (Uncounted, AuditEntry)]
        first = {model: model.objects.aggregate(first=Min("pk"))["first"] or 0 for model in tables}
        first[User] = Member.objects.aggregate(first=Min("user_id"))["first"]
        return {model.__name__: [_row(row, first) for row in _rows(model)] for model in tables}


def _rows(model):
    if (
        model is Reminder
    ):  # the first ones are spread by the provider's number, which another practice has not
        return model.objects.exclude(cause__endswith="since the start").order_by("pk")
    return model.objects.order_by("pk")


def _row(row, first):
    return {field.attname: _value(row, field, first) for field in row._meta.concrete_fields if _kept(field)}


def _kept(field):
    return field.name != "practice" and field.name not in HASHED_WITH_THE_PRACTICE


def _value(row, field, first):
    value = getattr(row, field.attname)
    if field.model is Reminder and field.primary_key:
        return None
    if field.model is Reminder and field.name == "reason":
        return re.sub(r"R-\d+", "R", value)
    if field.primary_key and value is not None:
        return value - first[type(row)]
    if isinstance(field, models.ForeignKey) and value is not None:
        return value - first[field.related_model]
    if field.name == "cause":  # "list 12", "row 7"
        return value.partition(" ")[0]
    if field.name == "before" and value.get("reported_back_by_id"):
        return {**value, "reported_back_by_id": value["reported_back_by_id"] - first[Member]}
    return value
