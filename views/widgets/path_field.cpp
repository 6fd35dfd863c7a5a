// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/widgets/path_field.h"

#include "views/theme/icons.h"

#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QMenu>
#include <QMimeData>
#include <QToolButton>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

PathField::PathField(Kind kind, const QString& name, QWidget* parent)
    : QWidget(parent)
    , m_kind(kind)
    , m_name(name)
    , m_edit(new QLineEdit(this))
{
    m_edit->setAccessibleName(name);
    m_edit->setDragEnabled(false);
    m_edit->setAcceptDrops(false); // the field takes files, not their URLs as text
    setAcceptDrops(true);
    setFocusProxy(m_edit);
    auto* browse = new QToolButton(this);
    browse->setIcon(themedIcon(u"open"_s));
    browse->setObjectName(u"browse"_s);
    browse->setAccessibleName(tr("Choose: %1").arg(name));
    browse->setToolTip(browse->accessibleName());
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(m_edit, 1);
    layout->addWidget(browse);
    connect(m_edit, &QLineEdit::textEdited, this, &PathField::pathEdited);
    if (kind != Kind::Model) {
        connect(browse, &QToolButton::clicked, this, [this] { choose(false); });
        return;
    }
    auto* menu = new QMenu(browse);
    menu->addAction(tr("Model folder…"), this, [this] { choose(true); });
    menu->addAction(tr("GGUF file…"), this, [this] { choose(false); });
    browse->setMenu(menu);
    browse->setPopupMode(QToolButton::InstantPopup);
}

QString PathField::path() const
{
    return m_edit->text().trimmed();
}

void PathField::setPath(const QString& path)
{
    if (m_edit->text() != path)
        m_edit->setText(path);
}

void PathField::take(const QString& path)
{
    m_edit->setText(path);
    Q_EMIT pathEdited(path);
}

void PathField::choose(bool folder)
{
    const QString filter = m_kind == Kind::Model ? tr("GGUF models (*.gguf)") : m_filter;
    auto* dialog = new QFileDialog(this, m_name, QFileInfo(path()).absolutePath(), filter);
    dialog->setObjectName(u"pathDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(folder                    ? QFileDialog::Directory
                        : m_kind == Kind::NewFile ? QFileDialog::AnyFile
                                                  : QFileDialog::ExistingFile);
    if (m_kind == Kind::NewFile) {
        dialog->setAcceptMode(QFileDialog::AcceptSave);
        dialog->setOption(QFileDialog::DontConfirmOverwrite); // a project grows, nothing is overwritten
    }
    connect(dialog, &QFileDialog::fileSelected, this, &PathField::take);
    dialog->open();
}

QString PathField::dropped(const QMimeData& mime) const
{
    const QList<QUrl> urls = mime.urls();
    if (urls.size() != 1 || !urls.first().isLocalFile())
        return {};
    const QFileInfo info(urls.first().toLocalFile());
    const bool fits = m_kind == Kind::Model ? info.isDir() || info.suffix().compare("gguf"_L1, Qt::CaseInsensitive) == 0
                                            : info.isFile();
    return fits ? info.absoluteFilePath() : QString();
}

void PathField::dragEnterEvent(QDragEnterEvent* event)
{
    if (!dropped(*event->mimeData()).isEmpty())
        event->acceptProposedAction();
}

void PathField::dropEvent(QDropEvent* event)
{
    if (const QString path = dropped(*event->mimeData()); !path.isEmpty()) {
        event->acceptProposedAction();
        take(path);
    }
}

} // namespace paretoscope::views
