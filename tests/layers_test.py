"""layers.py finds what breaks the law and passes what does not: each case is a small tree with one deliberate breach."""
import os, sys, tempfile, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import layers

TABLE = '''# map
| folder | what | may include |
| --- | --- | --- |
| include/minfer.h | the public header | nothing of ours |
| base | errors | nothing of ours, the operating system |
| `graph/` | tensors | base |
| engine/plan | plans | graph, oneDNN |
| api | functions | all of engine; models/zoo.h |
| models | networks | graph/builder.h |
| tools | the program | minfer.h, the operating system |
| tests | tests | anything |

After the table.
'''
TREE = {
    'engine/ARCHITECTURE.md': TABLE,
    'engine/include/minfer.h': '#include <stdint.h>\n',
    'engine/base/error.h': '#include <stddef.h>\n',
    'engine/base/file.c': '#include "base/error.h"\n#include <sys/mman.h>\n',
    'engine/graph/builder.h': '#include "base/error.h"\n',
    'engine/graph/graph.h': '',
    'engine/plan/plan.c': '#include "graph/graph.h"\n#include "base/error.h"\n#include <oneapi/dnnl/dnnl.h>\n',
    'engine/api/api.c': '#include "minfer.h"\n#include "plan/../graph/graph.h"\n#include "models/zoo.h"\n',
    'models/zoo.h': '#include "graph/builder.h"\n#include "base/error.h"\n',
    'tools/main.c': '#include "minfer.h"\n#include "table.h"\n#include <unistd.h>\n',
    'tools/table.h': '',
    'tests/unit/test_x.c': '#include <cmocka.h>\n#include "plan/plan.c"\n',
}


class LayersTest(unittest.TestCase):
    def breaches(self, **changes):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**TREE, **changes.get('tree', {})}.items():
                if text is not None:
                    os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                    with open(os.path.join(root, path), 'w', encoding='utf-8') as f:
                        f.write(text)
            return layers.check(root)[0]

    def test_lawful_tree(self):
        self.assertEqual(self.breaches(), [])

    def test_breaches(self):
        for path, text, expected in (
            ('engine/base/error.h', '\n#include "graph/graph.h"\n', 'engine/base/error.h:2: base may not include graph/graph.h'),
            ('engine/graph/graph.h', '#include "plan/plan.c"\n', 'engine/graph/graph.h:1: graph may not include plan/plan.c'),
            ('engine/graph/graph.h', '#include "../plan/plan.c"\n', 'engine/graph/graph.h:1: graph may not include plan/plan.c'),
            ('engine/graph/graph.h', '#  include <fcntl.h>\n',
             'engine/graph/graph.h:1: graph may not include <fcntl.h> (the operating system)'),
            ('engine/graph/graph.h', '#include <oneapi/dnnl/dnnl.h>\n',
             'engine/graph/graph.h:1: graph may not include <oneapi/dnnl/dnnl.h> (oneDNN)'),
            ('models/zoo.h', '#include "graph/graph.h"\n', 'models/zoo.h:1: models may not include graph/graph.h'),
            ('tools/main.c', '#include "base/error.h"\n', 'tools/main.c:1: tools may not include base/error.h'),
            ('tools/main.c', '#include "../engine/base/error.h"\n', 'tools/main.c:1: tools may not include base/error.h'),
            ('tools/main.c', '#include "models/zoo.h"\n', 'tools/main.c:1: tools may not include models/zoo.h'),
            ('tools/deep/a.def', '#include "base/error.h"\n', 'tools/deep/a.def:1: tools may not include base/error.h'),
            ('engine/run/run.c', '', 'engine/ARCHITECTURE.md: no row for the folder run'),
            ('engine/api/api.c', None, 'engine/ARCHITECTURE.md: a row for api, which has no sources'),
        ):
            with self.subTest(expected):
                self.assertEqual(self.breaches(tree={path: text}), [expected])

    def test_broken_documents(self):
        for text, part in ((None, 'No such file'), ('# map\n', 'no table'), (TABLE.replace('| base |\n', '| bass |\n'), '"bass" is no folder')):
            with self.subTest(part), self.assertRaisesRegex(layers.Law, part):
                self.breaches(tree={'engine/ARCHITECTURE.md': text})


if __name__ == '__main__':
    unittest.main()
