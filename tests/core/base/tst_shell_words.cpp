// SPDX-License-Identifier: Apache-2.0
#include "core/base/shell_words.h"

#include <QtTest>

using namespace paretoscope::core;

class TstShellWords : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void commandReadsBackInAShell()
    {
        QCOMPARE(quotedCommand({"paretoscope", "--batch", "my sweep.yaml", "it's", "", "--set=a.b=1,2"}),
                 std::string("paretoscope --batch 'my sweep.yaml' 'it'\\''s' '' --set=a.b=1,2"));
    }
};

QTEST_APPLESS_MAIN(TstShellWords)
#include "tst_shell_words.moc"
