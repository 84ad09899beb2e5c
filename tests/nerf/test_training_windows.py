"""Where training looks."""

import pytest
import torch

from erlnet.nerf.windows import Windows, by_eye_opening, draw_windows, part_centres, whole

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


def eyes_open_by(*openings):
    """(N,68,2) whose lids gape by so much of the distance between the eyes, which is 10."""
    landmarks = torch.zeros(len(openings), 68, 2)
    landmarks[:, 36:42, 0], landmarks[:, 42:48, 0] = 5.0, 15.0
    for i, opening in enumerate(openings):
        landmarks[i, [37, 38, 43, 44], 1] = -10 * opening / 2
        landmarks[i, [41, 40, 47, 46], 1] = 10 * opening / 2
    return landmarks


def test_half_of_the_eye_windows_are_drawn_evenly_over_how_far_eyes_are_open():
    """Of 100 frames one is a blink: by time a hundredth of the windows, by opening nearly half."""
    openings = torch.linspace(0.28, 0.3, 100)
    openings[40] = 0.0
    landmarks, frames = eyes_open_by(*openings.tolist()), torch.arange(100)
    eyes = by_eye_opening(landmarks, frames)
    assert eyes.frames[0] == 40
    assert eyes.draw(torch.tensor([0.0, 0.4, 0.6, 0.9999])).tolist() == [40, 40, 0, 99]
    drawn = draw_windows(
        torch.full((100, 2, 2), 8.0), frames, SIZE, 6, (2000, 2000, 2000), torch.Generator().manual_seed(0), eyes
    ).frame.view(3, 2000)
    assert drawn[0].unique().numel() == drawn[2].unique().numel() == 100  # mouth and anywhere: by time
    assert ((drawn == 40).float().mean(1) - 0.01).abs()[[0, 2]].max() < 0.01
    # half of the windows are drawn by opening, and the shut eyes are nearest to .14 of .3
    assert float((drawn[1] == 40).float().mean()) == pytest.approx(0.5 * 0.14 / 0.3, abs=0.03)


def test_eyes_that_are_unknown_are_not_drawn_by_opening():
    landmarks = eyes_open_by(0.1, 0.2, 0.3)
    landmarks[1] = torch.nan
    eyes = by_eye_opening(landmarks, torch.arange(3))
    assert eyes.frames.tolist() == [0, 2]
    assert by_eye_opening(landmarks, torch.tensor([1])) is None
    assert by_eye_opening(eyes_open_by(0.2, 0.2), torch.arange(2)) is None
