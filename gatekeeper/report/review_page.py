"""The page of a review: what it comes to, each model with what changed and what to do, and the way to its report."""

from __future__ import annotations

from gatekeeper.comparison import Attention
from gatekeeper.report import review_words as words
from gatekeeper.report.html import environment
from gatekeeper.report.markdown import is_beside, is_web
from gatekeeper.report.review_words import ReviewLinks
from gatekeeper.review import Review


def review_html(review: Review, links: ReviewLinks | None = None) -> str:
    """Render an overview that leads to the page of each model.

    Args:
        review: What to show.
        links: Where the pages lie, relative to this one.

    Returns:
        A whole HTML document in UTF-8, under the same rules as `to_html`.
    """
    known = links or ReviewLinks()
    return (
        environment()
        .get_template("review.html.j2")
        .render(
            review=review,
            words=words,
            pages=[_address(known.report(place)) for place in range(len(review.judged))],
            run=_address(known.run),
            first=Attention.FIRST,
        )
    )


def _address(address: str) -> str:
    return address if is_web(address) or is_beside(address) else ""
