// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/logging.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <QString>
#include <QtGlobal>

#include <mutex>
#include <vector>

namespace paretoscope::app {

namespace {

constexpr std::size_t kLogFileBytes = std::size_t(4) << 20;
constexpr std::size_t kLogFiles = 4; ///< besides the one being written
constexpr auto kRecordName = "app";  ///< the logger that writes to the file alone
constexpr auto kPattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %n %v";

/// Log lines go through the console, so that they do not tear the progress line.
class ConsoleSink : public spdlog::sinks::base_sink<std::mutex>
{
public:
    explicit ConsoleSink(Console& console)
        : m_console(console)
    {}

private:
    void sink_it_(const spdlog::details::log_msg& message) override
    {
        spdlog::memory_buf_t text;
        formatter_->format(message, text);
        m_console.log({text.data(), text.size()});
    }
    void flush_() override {}

    Console& m_console;
};

void forwardQtMessage(QtMsgType type, const QMessageLogContext&, const QString& text)
{
    const std::string line = text.toStdString();
    // In a C locale Qt tells at every start that it switched to C.UTF-8; nobody has to act on that.
    if (type == QtDebugMsg || line.find("Qt depends on a UTF-8 locale") != std::string::npos)
        spdlog::debug("qt: {}", line);
    else if (type == QtInfoMsg)
        spdlog::info("qt: {}", line);
    else if (type == QtWarningMsg)
        spdlog::warn("qt: {}", line);
    else
        spdlog::error("qt: {}", line);
}

spdlog::level::level_enum levelOf(int verbosity)
{
    if (verbosity < 0)
        return spdlog::level::err;
    return verbosity == 0 ? spdlog::level::warn : verbosity == 1 ? spdlog::level::info : spdlog::level::debug;
}

} // namespace

core::Status startLogging(Console& console, const std::string& file)
{
    const spdlog::level::level_enum level = levelOf(console.verbosity());
    auto sink = std::make_shared<ConsoleSink>(console);
    sink->set_level(level);
    std::vector<spdlog::sink_ptr> sinks {std::move(sink)};
    if (!file.empty()) {
        try {
            auto files = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file, kLogFileBytes, kLogFiles);
            files->set_level(std::min(level, spdlog::level::info));
            auto record = std::make_shared<spdlog::logger>(kRecordName, files);
            record->set_pattern(kPattern, spdlog::pattern_time_type::utc);
            record->flush_on(spdlog::level::info);
            spdlog::register_logger(std::move(record));
            sinks.push_back(std::move(files));
        } catch (const spdlog::spdlog_ex& failure) {
            return core::Error {core::ErrorCode::Io, "the log file " + file + " cannot be written: " + failure.what(),
                                "give --log-file a file in a folder that you may write"};
        }
    }
    auto logger = std::make_shared<spdlog::logger>("paretoscope", sinks.begin(), sinks.end());
    logger->set_level(file.empty() ? level : std::min(level, spdlog::level::info));
    logger->set_pattern(kPattern, spdlog::pattern_time_type::utc);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
    qInstallMessageHandler(forwardQtMessage);
    return core::success();
}

void record(std::string_view line)
{
    if (const auto logger = spdlog::get(kRecordName))
        logger->info("{}", line);
}

} // namespace paretoscope::app
