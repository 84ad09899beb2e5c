"""What the metrics of motion are, in words: those of stage one alone, which look at coefficients and no frame.

docs/motion-metrics.md has the formulas, the known answers and what each does not see.
"""

from __future__ import annotations

from erlnet.metrics.card import Card

_MESH = "mesh of the shipped or chosen head model with the person's shape, in the head's own frame"

MOTION_CARDS = (
    Card(
        "mesh_mouth_r", "motion", "mouth of the mesh, r", "", True,
        f"Pearson correlation, over frames, of generated and true mouth opening of the head {_MESH}: mean distance of"
        " the three inner lip point pairs over interocular distance. Clips under 2 s are joined as for mouth_open_r.",
        ("mouth",), True, 1.0,
    ),
    Card(
        "mesh_mouth_slope", "motion", "mouth of the mesh, slope", "", None,
        "Least-squares slope of the generated on the true mouth opening of the mesh: 1 is the true amplitude.",
        ("mouth",), True, 1.0,
    ),
    Card(
        "mesh_mouth_lag", "motion", "mouth of the mesh, lag", "frames", None,
        "The shift within +-15 frames at which generated and true mouth opening of the mesh correlate best; positive"
        " means that the generated mouth is late.",
        ("mouth",), True, 0.0,
    ),
    Card(
        "lip_vertex_error", "motion", "lip vertex error", "mm", False,
        f"Per frame the largest distance over the lip vertices between generated and true {_MESH}; mean over frames.",
        ("mouth",), True, 0.0,
    ),
    Card(
        "lip_vertex_error_mean", "motion", "lip vertex error, mean", "mm", False,
        "As lip_vertex_error, with the mean over the lip vertices in place of the largest: the literature uses both.",
        ("mouth",), True, 0.0,
    ),
    Card(
        "jaw_error", "motion", "jaw error", "deg", False,
        "Mean geodesic angle between generated and true jaw rotation, over frames.", ("mouth",), True, 0.0,
    ),
    Card(
        "expression_error", "motion", "expression error", "", False,
        "Mean absolute difference of the expression coefficients, over frames and coefficients.",
        ("face",), True, 0.0,
    ),
    Card(
        "upper_face_dynamics", "motion", "upper-face dynamics", "mm", None,
        "Difference, generated less true, of the standard deviation over time of the upper-face vertices' distance from"
        " the resting face, mean over vertices: below 0 the brows move too little.",
        ("face",), True, 0.0,
    ),
    Card(
        "pose_error", "motion", "head rotation error", "deg", False,
        "Mean geodesic angle between generated and true head rotation relative to the torso.", ("head",), True, 0.0,
    ),
    Card(
        "pose_shift_error", "motion", "head shift error", "mm", False,
        "Mean distance between generated and true head translation relative to the torso.", ("head",), True, 0.0,
    ),
    Card(
        "lip_jitter", "motion", "lip jitter", "", None,
        "RMS of the third difference of the lip vertices over time, generated over true: 1 is the truth's.",
        ("mouth",), True, 1.0,
    ),
    Card(
        "pose_jitter", "motion", "head jitter", "", None,
        "RMS of the second difference of the head's turn from frame to frame, generated over true: 1 is the truth's.",
        ("head",), True, 1.0,
    ),
    Card(
        "lip_speed_ratio", "motion", "lip speed", "", None,
        "Mean speed of the lip vertices, generated over true: 1 is the truth's.", ("mouth",), True, 1.0,
    ),
    Card(
        "mouth_range_ratio", "motion", "mouth range", "", None,
        "Standard deviation of the mouth opening of the mesh, generated over true: 1 is the truth's. Jitter raises it,"
        " which the slope does not reward.",
        ("mouth",), True, 1.0,
    ),
    Card(
        "pose_range_ratio", "motion", "head range", "", None,
        "Root mean square angle between the head's rotation and its mean over the clip, generated over true: 1 is the"
        " truth's.",
        ("head",), True, 1.0,
    ),
    Card(
        "pose_speed_ratio", "motion", "head speed", "", None,
        "Mean angular speed of the head relative to the torso, generated over true: 1 is the truth's.",
        ("head",), True, 1.0,
    ),
    Card(
        "pose_frechet", "motion", "head motion, Frechet distance", "", False,
        "Frechet distance between Gaussians of the frame-to-frame change of head rotation and translation, in the real"
        " motion's standard deviations; over all test clips together, one jackknife value a clip. 0 is the same"
        " distribution, in or out of step with the sound.",
        ("head",), False, 0.0,
    ),
    Card(
        "pose_diversity", "motion", "head motion, diversity", "", None,
        "Mean distance between the clips' head motions (mean and standard deviation of every pose channel), generated"
        " over real; one jackknife value a clip. 1 is as varied as the real ones, 0 the same motion in every clip.",
        ("head",), False, 1.0,
    ),
    Card(
        "sound_pose_gap", "motion", "sound and head, gap to the truth", "", None,
        "Correlation of the head's angular speed with the sound's level in dB, generated less true, both at the lag"
        " within +-15 frames that fits the training clips best. Above"
        " 0 the head follows the sound more closely than the real one does.",
        ("head",), False, 0.0,
    ),
    Card(
        "coupling_gap", "motion", "face and head coupling, gap to the truth", "", None,
        "First canonical correlation of expression and pose motion, cross-validated over clips, generated less true."
        " Matching the data is right, not independence.",
        ("head",), False, 0.0,
    ),
    Card(
        "style_accuracy", "style", "style accuracy", "", True,
        "Share of the styles asked for (style clips of every style, with the test clip's sound) that a judge recognises"
        " in the generated motion. The judge saw real motion alone, the side val where that suffices, of other speakers"
        " if the data set puts others there, else the training clips. The passthrough row is the style clip's own"
        " motion. A win counts only if sync is not worse.",
        ("none",), False, 1.0,
    ),
    Card(
        "style_leak", "style", "style leaked from the sound", "", False,
        "Share of the motions asked for in another style than the sound's that the judge takes for the sound's own.",
        ("none",), False, 0.0,
    ),
    Card(
        "style_sync_cost", "style", "sync lost by another style", "", False,
        "Mouth correlation (mesh) in the sound's own style less its mean over the other styles asked for.",
        ("mouth",), False, 0.0,
    ),
    Card(
        "decoupling_expression", "style", "decoupling, expression", "", False,
        "Effect on the expression stream of swapping the pose half of the style clip over that of swapping its"
        " expression half, each over what was swapped. 0 is decoupled, 1 half and half, above 1 the wrong half; no"
        " value where the greater effect is under twice the noise, or both are under a twentieth of what was swapped.",
        ("face",), False, 0.0,
    ),
    Card(
        "decoupling_pose", "style", "decoupling, pose", "", False,
        "As decoupling_expression for the pose stream: effect of the expression half over that of the pose half.",
        ("head",), False, 0.0,
    ),
    Card(
        "codebook_usage", "codebook", "codes used", "", None,
        "Share of all codes that occur at all when every training frame is encoded once; all codebooks together.",
        ("none",), False, None,
    ),
    Card(
        "codebook_usage_least", "codebook", "codes used, least", "", None,
        "Share of its codes that occur over the same epoch, in the codebook that is used least.",
        ("none",), False, None,
    ),
    Card(
        "codebook_perplexity", "codebook", "perplexity", "codes", None,
        "exp(entropy) of the codes over the same epoch, mean over the codebooks.", ("none",), False, None,
    ),
    Card(
        "bits_per_second", "codebook", "rate", "bit/s", None,
        "25 frames/s times tokens a frame times log2 of the codebook's size.", ("none",), False, None,
    ),
)  # fmt: skip

_EXPRESSION = ("mesh_mouth_r", "mesh_mouth_slope", "mesh_mouth_lag", "lip_vertex_error", "lip_vertex_error_mean",
               "jaw_error", "expression_error", "upper_face_dynamics", "lip_jitter", "lip_speed_ratio",
               "mouth_range_ratio")  # fmt: skip
_POSE = ("pose_jitter", "pose_range_ratio", "pose_speed_ratio")
_POSE_ERRORS = ("pose_error", "pose_shift_error")
_REALISM = ("pose_frechet", "pose_diversity", "sound_pose_gap", "coupling_gap")

MOTION_IN_MODE: dict[str, tuple[str, ...]] = {
    "reconstructed": _EXPRESSION + _POSE_ERRORS + _POSE,
    "audio": _EXPRESSION,  # the head pose is the tracked one
    # The expression is that of `audio`. An error of the head pose would reward a head that stands still: it lies nearer
    # to any motion than another natural one does.
    "audio_free": _POSE + _REALISM,
}
"""Driving mode -> the metrics of the family `motion` that say something in it."""
