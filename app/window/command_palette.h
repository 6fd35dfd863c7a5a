// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/action_registry.h"

#include <QDialog>
#include <QIcon>

class QLineEdit;
class QListWidget;

namespace paretoscope::app {

/// How well `typed` fits `text`, letters in order, starts of words preferred; negative: not at all.
int fuzzyScore(const QString& typed, const QString& text);

/// Every command by a few letters of its name (Ctrl+Shift+P).
class CommandPalette : public QDialog
{
    Q_OBJECT

public:
    explicit CommandPalette(const ActionRegistry& registry, QWidget* parent = nullptr);

    void openAt(const QWidget& window);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void list();
    void run();

    const ActionRegistry& m_registry;
    QIcon m_noIcon;
    QLineEdit* m_edit;
    QListWidget* m_list;
};

} // namespace paretoscope::app
