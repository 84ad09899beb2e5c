"""Every number that decides a score, in one place: the code computes with them, the cards print them.

Torch-free and numpy-free. Whoever changes one changes the fingerprint with it, so old rows are not mixed with new.
"""

IMAGE_REGIONS: tuple[str, ...] = ("frame", "head", "face", "mouth", "eyes", "neck", "torso", "background")
"""Where image metrics are read. `mouth` is a box (below), the others but `frame` are bits of the region map."""

MOUTH_BOX = (1.3, 0.9)  # width, height over interocular, centred on landmarks 48-67
MIN_REGION_PX = 64  # a region with fewer pixels in a frame has no value there

SSIM_WINDOW = 11  # px, side of the Gaussian window
SSIM_SIGMA = 1.5  # px
SSIM_K = (0.01, 0.03)
SSIM_CROP = SSIM_WINDOW // 2  # px at each border whose window is incomplete

SSIM_UNIFORM_WINDOW = 7  # px, side of the uniform window of the labelled extra for old tables

PSNR_CAP = 100.0  # dB; identical frames would read infinity

CPBD_BLOCK = 64  # px
CPBD_EDGE_SHARE = 0.002  # a block with more edge pixels than this is an edge block
CPBD_BETA = 3.6
CPBD_JUST_NOTICEABLE = (5, 3)  # px of edge width, in blocks of low and of high contrast
CPBD_LOW_CONTRAST = 50  # grey levels between a block's darkest and brightest pixel
CPBD_UNSEEN = 63  # per cent, rounded: a blur detected with at most this probability counts as not seen
CPBD_CANNY = (0.1, 0.2)  # thresholds of the edge detector that finds edge blocks, of one grey level
CPBD_MIN_SIZE = 256  # px; smaller frames have too few blocks for a value

DETECTION_MIN_SIZE = 256  # px; smaller frames are enlarged to it before detection
DLIB_MIN_SIZE = 512  # px; the same for dlib, whose detector finds no face under 80 px

JOIN_SECONDS = 2.0  # clips shorter than this are joined with others of their speaker
MIN_OPENING_SD = 0.01  # interocular; below it the reference's mouth does not move and there is nothing to follow
MIN_EYE_OPENING_SD = 0.005  # interocular; the same for the lids, whose travel is a third of the lips'
MAX_LAG = 15  # frames
MIN_PAIRS = 10  # frames known on both sides; with fewer there is no correlation to speak of
