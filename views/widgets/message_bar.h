// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <QFrame>
#include <QStringList>

class QLabel;
class QToolButton;

namespace paretoscope::views {

/// Tells what happened without stopping the user: one line at the top of the window, errors with their remedy.
/// A storm of messages stays one bar with a count; all of them can be copied.
class MessageBar : public QFrame
{
    Q_OBJECT

public:
    enum class Level
    {
        Info,
        Warning,
        Error
    };

    explicit MessageBar(QWidget* parent = nullptr);

    void show(Level level, const QString& text, const QString& hint = {});
    void report(const core::Error& error);
    QString text() const;                                    ///< what is shown now
    const QStringList& history() const { return m_history; } ///< newest last, bounded

Q_SIGNALS:
    void shown(bool visible);

public Q_SLOTS:
    void dismiss();
    void copyAll() const;

protected:
    void changeEvent(QEvent* event) override;

private:
    void applyColours();

    Level m_level = Level::Info;
    QLabel* m_icon;
    QLabel* m_label;
    QToolButton* m_copy;
    QToolButton* m_close;
    QStringList m_history;
    int m_pending = 0; ///< messages since the bar was last dismissed
};

} // namespace paretoscope::views
