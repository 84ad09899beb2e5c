"""Where training looks."""

import torch

from erlnet.nerf.windows import Windows, draw_windows, part_centres, whole

SIZE = (16, 20)


def draw(shares, side=6, n=4, seed=0):
    centres = torch.tensor([[[5.0, 12.0], [9.0, 4.0]]]).repeat(n, 1, 1)
    return draw_windows(centres, torch.tensor([1, 3]), SIZE, side, shares, torch.Generator().manual_seed(seed))


def test_windows_lie_inside_the_map_and_only_allowed_frames_are_drawn():
    windows = draw((50, 50, 400))
    assert set(windows.frame.tolist()) == {1, 3}
    assert windows.rows().min() == 0
    assert windows.rows().max() == SIZE[0] - 1
    assert windows.columns().min() == 0
    assert windows.columns().max() == SIZE[1] - 1


def test_mouth_and_eye_windows_hold_the_mouth_and_the_eyes():
    windows = draw((30, 20, 0))
    for part, where in ((slice(0, 30), (5, 12)), (slice(30, 50), (9, 4))):
        row, column = windows.row[part], windows.column[part]
        assert ((column <= where[0]) & (where[0] <= column + 6)).all()
        assert ((row <= where[1]) & (where[1] <= row + 6)).all()
    assert len(set(windows.column[:30].tolist())) > 1  # not always cut alike


def test_a_window_larger_than_the_map_is_the_map():
    windows = draw((1, 1, 1), side=99)
    assert windows.size == SIZE
    assert windows.row.tolist() == windows.column.tolist() == [0, 0, 0]


def test_crops_are_the_same_square_at_image_resolution():
    images = torch.arange(2 * 8 * 12).view(2, 1, 8, 12)
    windows = Windows(torch.tensor([1, 0]), torch.tensor([1, 0]), torch.tensor([2, 3]), (2, 3))
    crops = windows.crop(images, 2)
    assert torch.equal(crops[0], images[1, :, 2:6, 4:10])
    assert torch.equal(crops[1], images[0, :, 0:4, 6:12])
    assert torch.equal(whole(2, (4, 6)).crop(images, 2), images)


def test_part_centres_are_means_of_the_68_points_in_feature_px():
    landmarks = torch.zeros(1, 68, 2)
    landmarks[:, 48:] = torch.tensor([8.0, 20.0])
    landmarks[:, 36:42], landmarks[:, 42:48] = torch.tensor([4.0, 8.0]), torch.tensor([12.0, 8.0])
    assert part_centres(landmarks, 4).tolist() == [[[2.0, 5.0], [2.0, 2.0]]]
