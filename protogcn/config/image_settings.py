"""Settings of a run that go with positions in space only, or with pixels only."""

from protogcn.config.resolved import Run
from protogcn.errors import ConfigError


def check_image_settings(run: Run) -> None:
    """Raise ConfigError for an augmentation that makes no sense of the run's coordinates."""
    skeleton, settings = run.dataset.skeleton, run.settings
    if not skeleton.in_image:
        if settings["mirror"]:
            raise ConfigError(
                f"run {run.name}: mirror is {settings['mirror']}, but skeletons.{skeleton.name} is"
                " not in_image: there is no image to mirror; use swap."
            )
        return
    if settings["rotation"]:
        raise ConfigError(
            f"run {run.name}: rotation is {settings['rotation']}, but skeletons.{skeleton.name}"
            " holds pixels and scores, which are not turned; set rotation to 0.0."
        )
    if settings["swap"] and settings["swap_style"] == "clean":
        raise ConfigError(
            f"run {run.name}: swap_style is clean, but skeletons.{skeleton.name} holds pixels,"
            " which have no sign to change; use mirror."
        )
    if settings["mirror"] and not skeleton.pairs:
        raise ConfigError(
            f"run {run.name}: mirror is {settings['mirror']}, but skeletons.{skeleton.name}"
            " declares no pairs."
        )
