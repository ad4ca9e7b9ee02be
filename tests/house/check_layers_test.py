"""scripts/check-layers finds what is planted, and nothing where nothing is."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-layers"

CLEAN = {
    "src/base/CMakeLists.txt": "ferry_layer(base LIBRARIES OpenSSL::Crypto)\n",
    "src/io/CMakeLists.txt": "ferry_layer(io\n  DEPENDS base)\n",
    "src/net/CMakeLists.txt": "ferry_layer(net DEPENDS base io LIBRARIES CURL::libcurl)\n",
    "src/base/result.h": "#include <fmt/core.h>\n#include <string>\n",
    "src/io/file.h": '#include <sys/stat.h>\n#include "base/result.h"\n',
    "src/io/file_test.cc": '#include <gtest/gtest.h>\n#include "io/file.h"\n#include "testing/must.h"\n',
    "src/net/http.cc": '#include <curl/curl.h>\n#include "io/file.h"\n',
    "docs/architecture.md": """
## 3. Layers: who may include whom

| layer | may include |
| --- | --- |
| base | nothing |
| io | base |
| net | base io |

## 8. Third-party headers

| library | headers | stay in |
| --- | --- | --- |
| fmt | `fmt/*` | `*` |
| libcurl | `curl/*` | `net/http.cc` |
| GoogleTest | `gtest/*` | `*_test.cc` |
""",
}


def check(changes):
    """Exit status and output of check-layers on the clean tree with `changes` (None removes a file)."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, text in {**CLEAN, **changes}.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
        run = subprocess.run([sys.executable, SCRIPT, "--root", root], capture_output=True, text=True, check=False)
        return run.returncode, run.stdout + run.stderr


class CheckLayers(unittest.TestCase):
    def assert_found(self, changes, *expected):
        status, output = check(changes)
        self.assertEqual(status, 1, output)
        for words in expected:
            self.assertIn(words, output)

    def test_a_clean_tree_passes(self):
        self.assertEqual(check({}), (0, "3 layers, no violation\n"))

    def test_an_upward_include_is_found_with_its_line(self):
        self.assert_found(
            {"src/io/file.h": '#include <string>\n#include "net/http.h"\n'}, "src/io/file.h:2:", "io may not include net"
        )

    def test_a_header_that_does_not_exist_is_found(self):
        self.assert_found({"src/io/file.h": '#include "base/no_such_room.h"\n'}, "does not exist")

    def test_a_header_without_its_layer_is_found(self):
        self.assert_found({"src/base/result.cc": '#include "result.h"\n'}, 'not of the form "layer/room.h"')

    def test_test_helpers_stay_out_of_the_program(self):
        self.assert_found({"src/io/file.cc": '#include "testing/must.h"\n'}, "src/io/file.cc:1:")

    def test_a_third_party_header_that_strays_is_found(self):
        self.assert_found({"src/net/url.cc": "#include <curl/curl.h>\n"}, "<curl/curl.h> stays in net/http.cc")
        self.assert_found({"src/io/file.cc": "#include <gtest/gtest.h>\n"}, "<gtest/gtest.h> stays in *_test.cc")

    def test_a_library_that_nobody_wrote_down_is_found(self):
        self.assert_found({"src/io/file.cc": "#include <boost/asio.hpp>\n"}, "neither standard C++ nor POSIX")

    def test_a_folder_without_a_row_is_found(self):
        self.assert_found({"src/store/s3.h": "#pragma once\n"}, "src/store: no ferry_layer(store ...) row")

    def test_a_row_that_names_no_layer_is_found(self):
        self.assert_found({"src/io/CMakeLists.txt": "ferry_layer(io DEPENDS base disk)\n"}, '"disk", which is no layer')

    def test_a_circle_is_found(self):
        self.assert_found({"src/base/CMakeLists.txt": "ferry_layer(base DEPENDS net)\n"}, "depends on itself")

    def test_a_table_that_tells_another_story_is_found(self):
        document = CLEAN["docs/architecture.md"]
        self.assert_found(
            {"docs/architecture.md": document.replace("| net | base io |", "| net | base |")},
            'layer net: the table says "base", CMake says "base io"',
        )
        self.assert_found(
            {"docs/architecture.md": document.replace("| io | base |\n", "")}, 'layer io: the table says "no row"'
        )


if __name__ == "__main__":
    unittest.main()
