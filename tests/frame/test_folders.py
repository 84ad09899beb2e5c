import json
import os
import subprocess
import sys
import time

import pytest

from erlnet.errors import UserError
from erlnet.runs.folders import check_writable, unfinished_folder, write_json, write_whole


def test_a_product_appears_whole_or_not_at_all(tmp_path):
    final, scratch = tmp_path / "stages" / "codec" / "k", tmp_path / "stages" / ".tmp"

    def dies_half_way():
        with unfinished_folder(final, scratch) as working:
            (working / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        dies_half_way()
    assert not final.exists()
    with unfinished_folder(final, scratch) as working:
        assert list(working.iterdir()) == []  # what the dead one left is gone
        (working / "whole").write_text("x")
    assert sorted(p.name for p in final.iterdir()) == ["DONE", "whole"]


def test_what_is_finished_is_not_done_again(tmp_path):
    final, scratch = tmp_path / "codec" / "k", tmp_path / ".tmp"
    with unfinished_folder(final, scratch):
        pass
    with unfinished_folder(final, scratch) as working:
        assert working is None


def test_two_jobs_that_need_one_product_make_it_once(tmp_path):
    code = f"""
import sys, time
from pathlib import Path
from erlnet.runs.folders import unfinished_folder
root = Path({str(tmp_path)!r})
with unfinished_folder(root / "codec" / "k", root / ".tmp") as working:
    if working is None:
        print("waited")
    else:
        (root / "begun").write_text("")
        time.sleep(0.5)
        print("made")
"""
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    second = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert (first.communicate()[0].strip(), second.stdout.strip()) == ("made", "waited")


def test_a_file_is_replaced_whole_and_json_has_no_nan(tmp_path):
    write_whole(tmp_path / "a", "one")
    write_whole(tmp_path / "a", "two")
    assert (tmp_path / "a").read_text() == "two"
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b", {"x": float("nan")})
    assert not (tmp_path / "b").exists()
    write_json(tmp_path / "b", {"x": 1})
    assert json.loads((tmp_path / "b").read_text()) == {"x": 1}
    assert len(os.listdir(tmp_path)) == 2


def test_an_output_folder_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UserError, match=r"--out .*cannot be written"):
        check_writable(blocked / "runs")
