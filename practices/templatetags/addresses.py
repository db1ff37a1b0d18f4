"""`{% url %}` by `practices.addresses`: built into every template, in place of Django's, which it leaves the rest to."""

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as djangos_url
from django.urls import NoReverseMatch

from practices.addresses import page_url, row_url

register = template.Library()


class AddressNode(URLNode):
    """An address with at most one number in it; any other is looked up as Django does."""

    def render(self, context: Context) -> str:
        if self.kwargs or len(self.args) > 1:
            return super().render(context)
        name = self.view_name.resolve(context)
        args = [argument.resolve(context) for argument in self.args]
        if args and type(args[0]) is not int:
            return super().render(context)
        try:
            url = row_url(name, args[0]) if args else page_url(name)
        except NoReverseMatch:
            return super().render(context)
        if self.asvar:
            context[self.asvar] = url
            return ""
        return url


@register.tag
def url(parser: Parser, token: Token) -> Any:
    """As Django's."""
    node = djangos_url(parser, token)
    return AddressNode(node.view_name, node.args, node.kwargs, node.asvar)
