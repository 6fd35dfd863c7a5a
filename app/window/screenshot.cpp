// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/screenshot.h"

#include "app/main_window.h"

#include <QCoreApplication>
#include <QEvent>
#include <QFile>
#include <QPixmap>
#include <QTimer>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <time.h>
#include <unistd.h>

using namespace std::chrono_literals;
using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

/// Seconds since the kernel started this process: loading the libraries counts too. Linux; resolution 10 ms.
double secondsSinceProcessStart()
{
    QFile stat(u"/proc/self/stat"_s);
    if (!stat.open(QIODevice::ReadOnly))
        return -1;
    const QByteArray text = stat.readAll();
    const QList<QByteArray> fields = text.mid(text.lastIndexOf(')') + 2).split(' ');
    constexpr int kStartTime = 19; // field 22 of proc(5), counted from behind the name
    if (fields.size() <= kStartTime)
        return -1;
    timespec now {};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const double started = fields[kStartTime].toDouble() / double(::sysconf(_SC_CLK_TCK));
    return double(now.tv_sec) + double(now.tv_nsec) / 1e9 - started;
}

/// Calls back once, after the first paint event of a widget has been handled.
class FirstPaint : public QObject
{
public:
    FirstPaint(QWidget& window, std::function<void()> painted)
        : QObject(&window)
        , m_painted(std::move(painted))
    {
        window.installEventFilter(this);
    }
    bool eventFilter(QObject* watched, QEvent* event) override
    {
        if (event->type() == QEvent::Paint) {
            watched->removeEventFilter(this);
            QTimer::singleShot(0, this, m_painted); // the painted picture is on its way to the screen by then
        }
        return false;
    }

private:
    std::function<void()> m_painted;
};

} // namespace

void takeScreenshot(MainWindow& window, const StartOptions& options)
{
    const auto take = [&window, file = options.screenshot] {
        const bool written = window.grab().save(file, "PNG");
        if (!written)
            std::fprintf(stderr, "paretoscope: %s could not be written\n", qPrintable(file));
        QCoreApplication::exit(written ? 0 : 1);
    };
    constexpr auto kSettle = 400ms; // layouts, trial details, hover labels
    const bool opensProject = std::any_of(options.files.begin(), options.files.end(), [](const QString& file) {
        return file.endsWith(u".pscope"_s, Qt::CaseInsensitive);
    });
    if (!opensProject) {
        QTimer::singleShot(0, &window, [&window, take] { QTimer::singleShot(kSettle, &window, take); });
        return;
    }
    QObject::connect(
        &window.session(), &ProjectSession::snapshotChanged, &window,
        [&window, take, label = options.select](const views::SnapshotPtr& snapshot) {
            for (const core::TrialRecord& trial : snapshot->trials) {
                if (!label.isEmpty() && trial.label == label.toStdString())
                    window.selection().select({trial.id});
            }
            QTimer::singleShot(kSettle, &window, take);
        },
        Qt::SingleShotConnection);
    QTimer::singleShot(20s, &window, take);
}

void reportFirstPaint(MainWindow& window)
{
    new FirstPaint(window, [] {
        std::printf("{\"schema\":\"paretoscope.first-paint/1\",\"seconds\":%.3f}\n", secondsSinceProcessStart());
        std::fflush(stdout);
        QCoreApplication::exit(0);
    });
}

} // namespace paretoscope::app
