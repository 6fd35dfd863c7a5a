// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QWidget>

class QAction;
class QLabel;
class QVBoxLayout;

namespace paretoscope::views {

/// What a dock shows while it has nothing to show: what is missing, and the next step as buttons.
class EmptyState : public QWidget
{
    Q_OBJECT

public:
    explicit EmptyState(QWidget* parent = nullptr);

    void setText(const QString& title, const QString& text);
    /// The first one is the suggested step. Actions are borrowed.
    void setActions(const QList<QAction*>& actions);
    /// Smaller choices below, e.g. recent projects.
    void setLinks(const QString& title, const QList<QAction*>& links);

private:
    QLabel* m_title;
    QLabel* m_text;
    QVBoxLayout* m_buttons;
    QVBoxLayout* m_links;
};

} // namespace paretoscope::views
