// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QStringList>

#include <filesystem>
#include <fstream>

namespace paretoscope::jobs {

/// The newest lines of a worker's log, and the whole of it in a file when asked for.
class LogTail
{
public:
    static constexpr int kMaxLines = 200;
    static constexpr int kMaxLineBytes = 2000;

    /// Appends to `file` from now on; a file that has grown large becomes `file`.old first. A file that cannot be
    /// written costs only the file.
    void keepIn(const std::filesystem::path& file);
    void feed(const QByteArray& bytes);
    QStringList lines() const; ///< an unfinished last line included
    QString lastLine() const;  ///< the last one that is not empty
    void clear();

private:
    void add(QByteArray line);

    QList<QByteArray> m_lines;
    QByteArray m_open; ///< the line that has no end yet
    std::ofstream m_file;
};

} // namespace paretoscope::jobs
