"""The checkout, compared with the release that a stack takes: a change that was not released yet is no failure."""

from digits.engine.events import Preview
from digits.engine.invocation import EngineError
from digits.promotion import pin
from digits.release import PromotionError
from infra.configuration import SettingsError
from infra.promotion import explain_other_checkout
from infra.settings import SCORING_DIRECTORY


def awaits_promotion(stack: str, release: str | None, preview: Preview) -> bool:
    """Say whether the program refused this checkout for no other reason than that it was not released yet."""
    try:
        if not preview.errors or not pin.read_source(stack):
            return False
        taken = pin.find(stack, release) if release else pin.read_kept(stack) or pin.find(stack, None)
        return preview.errors == (explain_other_checkout(taken, SCORING_DIRECTORY),)
    except (EngineError, PromotionError, SettingsError):  # the preview failed of it too, and says so
        return False
