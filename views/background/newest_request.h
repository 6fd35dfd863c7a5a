// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFutureWatcher>
#include <QtConcurrent>

#include <functional>
#include <utility>

namespace paretoscope::views {

/// Work off the window's thread of which only the newest request delivers: a request cancels the one before it, and the
/// end of this object cancels the last one without waiting for it.
template <typename T>
class NewestRequest
{
public:
    /// @param deliver gets what the newest request made, in the thread of `context`, which must not outlive this object
    NewestRequest(QObject* context, std::function<void(const T&)> deliver)
    {
        QObject::connect(&m_watcher, &QFutureWatcherBase::finished, context, [this, deliver = std::move(deliver)] {
            m_isPending = false;
            if (!m_watcher.isCanceled() && m_watcher.future().resultCount() > 0)
                deliver(m_watcher.result());
        });
    }
    ~NewestRequest() { m_watcher.cancel(); }
    NewestRequest(const NewestRequest&) = delete;
    NewestRequest& operator=(const NewestRequest&) = delete;

    /// @param work is called with a QPromise<T>&, looks at isCanceled() from time to time and holds copies of all it
    /// reads: it may end after this object
    template <typename Work>
    void start(Work work)
    {
        m_watcher.cancel();
        m_isPending = true;
        m_watcher.setFuture(QtConcurrent::run(std::move(work)));
    }
    /// Nothing is delivered.
    void cancel()
    {
        m_watcher.cancel();
        m_isPending = false;
    }
    bool isPending() const { return m_isPending; } ///< until it has delivered

private:
    QFutureWatcher<T> m_watcher;
    bool m_isPending = false;
};

} // namespace paretoscope::views
