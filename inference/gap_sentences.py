# SPDX-License-Identifier: GPL-3.0-or-later
"""How photos differ from references, in words: what differs, by how much, and which button or setting to use."""

from .photo_measures import Parts, Pixels, angle_between_lights, highlights, luma, turn_between

WORTH_SAYING = 0.001
"""Smallest gain in similarity that a sentence states."""


def cause_sentence(cause: str, photos: Pixels, references: Pixels, gain: float) -> str:
    """Say what differs, by how much, and what to do.

    Args:
        cause: a key of :data:`.photo_measures.LIMITS`, or ``side``.
        photos: the photos [N, S, S, 3], levels 0 to 255.
        references: references [M, S, S, 3], M a multiple of N, of the same classes in the same order.
        gain: the gain in similarity when this respect is matched.
    """
    pair = (photos, references)
    level, own_level = (float(luma(images).mean()) for images in pair)
    colour, own_colour = ("/".join(f"{mean:.0f}" for mean in images.mean(axis=(0, 1, 2))) for images in pair)
    parts, own = Parts.of(photos), Parts.of(references)
    size = float(parts.sizes.mean() / own.sizes.mean().clip(1e-9))
    across, down = (parts.places.mean(axis=0) - own.places.mean(axis=0)).tolist()
    turn = turn_between(parts, own)
    darker, fainter, larger = level < own_level, parts.shadows.mean() < own.shadows.mean(), size > 1
    sentence = {
        "brightness": f"The photos are {'darker' if darker else 'brighter'} than the references, mean level {level:.0f} "
        f"against {own_level:.0f}. {'Lower' if darker else 'Raise'} the strength of the lights, or press Match Look to "
        "Photos.",
        "contrast": f"Shadows are {'weaker' if fainter else 'stronger'} in the photos than in the references. Choose "
        f"{'Soft' if fainter else 'Hard'} in Basic Lighting, or press Match Look to Photos.",
        "relief": "Shadows are longer in the photos than in the references. Choose Low in Basic Lighting, or press Match Look "
        "to Photos.",
        "colour": f"The photos have another colour than the references, red/green/blue {colour} against {own_colour}. "
        "Use Material from Photo, or press Match Look to Photos.",
        "glare": f"The photos show highlights that the references lack, on {highlights(photos, references):.1%} of their area. "
        "Lower the roughness of the part's material, or press Match Look to Photos.",
        "size": f"The part is {'larger' if larger else 'smaller'} in the photos than in the references, {size:.2f} times as "
        f"wide. Move the camera {'closer' if larger else 'back'}, or use Match Camera to Photo.",
        "position": f"The part lies elsewhere in the photos than in the references, {_shift(across, 'right', 'left')} and "
        f"{_shift(down, 'down', 'up')}. Use Match Camera to Photo, or raise the jitter's Location.",
        "turn": f"The part is turned by about {abs(turn):.0f}° {'counter-clockwise' if turn > 0 else 'clockwise'} in the photos. "
        "Add turns with Add Resting Positions, or raise the jitter's Rotation about Z.",
        "background": "The photos have another background than the references. "
        "Use Plain Background, match the table's material, or crop the photos.",
        "light direction": "The light comes from another side in the photos than in the references, about "
        f"{angle_between_lights(parts, own):.0f}° apart. Turn the lights, raise the jitter's Light Direction, or press Match "
        "Look to Photos.",
        "side": "Within their outlines, the parts in the photos look like no reference of their class. They may lie on a side that "
        "no reference shows: compare the pairs in the report, and use Add Resting Positions.",
    }[cause]
    return f"{sentence} With that matched, similarity rises by {gain:.3f}." if gain >= WORTH_SAYING else sentence


def _shift(share: float, positive: str, negative: str) -> str:
    return f"{abs(share):.0%} of the width {positive if share > 0 else negative}"
