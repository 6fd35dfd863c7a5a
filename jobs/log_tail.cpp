// SPDX-License-Identifier: Apache-2.0
#include "jobs/log_tail.h"

#include <system_error>

namespace paretoscope::jobs {

namespace {
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t(8) << 20;
}

void LogTail::keepIn(const std::filesystem::path& file)
{
    std::error_code ignored;
    std::filesystem::create_directories(file.parent_path(), ignored);
    if (const auto size = std::filesystem::file_size(file, ignored); !ignored && size > kMaxFileBytes)
        std::filesystem::rename(file, file.string() + ".old", ignored);
    m_file.open(file, std::ios::app | std::ios::binary);
}

void LogTail::feed(const QByteArray& bytes)
{
    if (m_file.is_open())
        m_file.write(bytes.constData(), bytes.size()).flush();
    qsizetype begin = 0;
    for (qsizetype end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', begin)) {
        add(m_open + bytes.mid(begin, end - begin));
        m_open.clear();
        begin = end + 1;
    }
    m_open += bytes.mid(begin);
    m_open.truncate(kMaxLineBytes);
}

void LogTail::add(QByteArray line)
{
    line.truncate(kMaxLineBytes);
    m_lines.append(std::move(line));
    if (m_lines.size() > kMaxLines)
        m_lines.removeFirst();
}

QStringList LogTail::lines() const
{
    QStringList lines;
    for (const QByteArray& line : m_lines)
        lines << QString::fromUtf8(line);
    if (!m_open.isEmpty())
        lines << QString::fromUtf8(m_open);
    return lines;
}

QString LogTail::lastLine() const
{
    const QStringList all = lines();
    for (auto line = all.crbegin(); line != all.crend(); ++line) {
        if (!line->trimmed().isEmpty())
            return line->trimmed();
    }
    return {};
}

void LogTail::clear()
{
    m_lines.clear();
    m_open.clear();
}

} // namespace paretoscope::jobs
