// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/recent_menu.h"

#include "views/widgets/plain_tip.h"

#include <QDir>
#include <QFileInfo>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

RecentMenu::RecentMenu(WindowSettings& settings, QWidget* parent)
    : QMenu(tr("Open &recent"), parent)
    , m_settings(settings)
{
    setObjectName(u"recentMenu"_s);
    setToolTipsVisible(true);
    connect(this, &QMenu::aboutToShow, this, &RecentMenu::rebuild); // files come and go
    rebuild();
}

void RecentMenu::add(const QString& file)
{
    m_settings.addRecentFile(file);
    rebuild();
    Q_EMIT listChanged();
}

void RecentMenu::rebuild()
{
    clear();
    m_entries.clear();
    for (const QString& file : m_settings.recentFiles()) {
        const QFileInfo info(file);
        const bool there = info.exists();
        QAction* entry = addAction(
            u"%1  –  %2"_s.arg(info.fileName(), QDir::toNativeSeparators(info.path())).replace('&'_L1, "&&"_L1));
        entry->setObjectName(u"recent"_s);
        entry->setData(file);
        entry->setEnabled(there);
        entry->setToolTip(views::plainTip(there ? file : tr("%1 is not there any more").arg(file)));
        connect(entry, &QAction::triggered, this, [this, file] { Q_EMIT chosen(file); });
        m_entries << entry;
    }
    addSeparator();
    QAction* forget = addAction(tr("Clear list"), this, [this] {
        m_settings.clearRecentFiles();
        QMetaObject::invokeMethod(
            this,
            [this] {
                rebuild();
                Q_EMIT listChanged();
            },
            Qt::QueuedConnection);
    });
    forget->setObjectName(u"clearRecent"_s);
    forget->setEnabled(!m_entries.isEmpty());
}

} // namespace paretoscope::app
