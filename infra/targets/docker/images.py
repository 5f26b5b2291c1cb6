"""What a component's image is called on the docker target."""

from infra.settings import Settings
from infra.topology import Component


def image_name(component: Component, settings: Settings) -> str:
    """The image with its tag and, where the stack pins it, its digest; the on-premise registry's where there is one."""
    release = settings.candidate if component.candidate_of else settings.release
    name = f"{component.image}:{release}" if component.built_here else component.image
    if settings.registry:
        name = f"{settings.registry}/{name if component.built_here else name.partition('/')[2]}"
    digest = settings.image_digests.get(pinned_as(component, release))
    return f"{name}@{digest}" if digest else name


def pinned_as(component: Component, release: str) -> str:
    """By what the setting `imageDigests` names its image: a digest goes before the tag, so it is of one release."""
    return f"{component.role}:{release}" if component.built_here else component.name
