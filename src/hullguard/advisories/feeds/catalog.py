"""Every feed, in the order in which a file's beginning is shown to them; the most particular first."""

from hullguard.advisories.feeds.feed import Feed
from hullguard.advisories.feeds.kev import KevFeed
from hullguard.advisories.feeds.osv import OsvFeed
from hullguard.advisories.feeds.tables import EpssFeed, RatingFeed

FEEDS: tuple[Feed, ...] = (
    KevFeed(),
    EpssFeed(),
    RatingFeed(),
    OsvFeed(),
)
