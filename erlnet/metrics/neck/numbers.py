"""Every number that decides a neck metric, in one place. Torch-free and numpy-free.

Lengths that are part of the picture (bands, windows) are given for a frame 256 px high and grow with the frame; what
belongs to the matcher (its tolerances) is in px of the frame as it is.
"""

AT_HEIGHT = 256  # px; the lengths below are for frames of this height

COLLAR = 4  # how far the neck's points reach over the neck region's border, into the torso alone
CLEAR = 3  # points keep this distance from the head-torso border, where a patch holds both motions
SEAM_BAND = 8  # either side of the head-torso border: 6, in which a seam is looked for, and what its derivative smears
SEAM_SIGMA = 1.5  # of the Gaussian derivative that measures an edge
SEAM_TOLERANCE = 2  # an edge this far off is the same edge, elsewhere
WINDOW_MARGIN = 32  # flow between frames is computed so far around its points
FLOW_SIGMA = 1.0  # of the derivative in the structure tensor
FLOW_WINDOW = 2.0  # standard deviation of the structure tensor's window
CONTOUR_REACH = 10  # how far off a contour is looked for, along its normal
CONTOUR_HALF = 6  # half the length of the profile that is recognised
CONTOUR_STEP = 0.5  # between samples of a profile

NECK_REACH = 0.5  # of the face's size (the root of its area): points farther from the head are shoulders
MIN_TEXTURE = 0.25  # (grey levels / px)^2, the structure tensor's smaller eigenvalue
MIN_EDGE = 4.0  # grey levels / px, slope of a contour
MIN_RECOGNISED = 0.75  # correlation of two profiles
MAX_CONTOUR = 400  # contour points a frame
MIN_POINTS = 30  # points a frame; with fewer the frame has no value
CONSISTENT_PX, CONSISTENT_SHARE = 0.5, 0.1  # forward-backward: under the larger of .5 px and 10 % of the way
MIN_COVERAGE = 0.7  # share of points matched over a clip; under it there is no distance
TORSO_FLOOR = 0.25  # px; a torso that moves less stands still, and is divided by this
