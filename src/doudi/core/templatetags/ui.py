"""Template tags and filters of the page frame."""

from django import template

register = template.Library()
