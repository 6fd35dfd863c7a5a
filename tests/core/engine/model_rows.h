// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QtTest>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace paretoscope::tests {

/// A data row for tiny-llama and for every model of the parity data, with its folder (QString) in the column "folder".
inline void addModelRows()
{
    QTest::addColumn<QString>("folder");
    QTest::addRow("tiny-llama") << QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama");
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(PARETOSCOPE_TEST_DATA "/parity/models"))
        folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    for (const auto& folder : folders)
        QTest::addRow("%s", folder.filename().c_str()) << QString::fromStdString(folder.string());
}

} // namespace paretoscope::tests
