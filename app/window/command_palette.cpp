// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/command_palette.h"

#include <QAction>
#include <QApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

enum ItemRole
{
    ActionRole = Qt::UserRole,
    ShortcutRole
};

/// The name at the left, its shortcut at the right.
class CommandDelegate : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        QStyledItemDelegate::paint(painter, option, index);
        const bool selected = option.state.testFlag(QStyle::State_Selected);
        painter->setPen(option.palette.color(selected ? QPalette::HighlightedText : QPalette::PlaceholderText));
        painter->drawText(option.rect.adjusted(0, 0, -8, 0), Qt::AlignRight | Qt::AlignVCenter,
                          index.data(ShortcutRole).toString());
    }
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        return QStyledItemDelegate::sizeHint(option, index) + QSize(0, 8);
    }
};

QString nameOf(const QAction& action)
{
    QString name = action.text();
    return name.remove('&'_L1).remove(u"…"_s);
}

} // namespace

int fuzzyScore(const QString& typed, const QString& text)
{
    int score = 0;
    qsizetype at = 0;
    for (const QChar letter : typed) {
        if (letter.isSpace())
            continue;
        const qsizetype found = text.indexOf(letter, at, Qt::CaseInsensitive);
        if (found < 0)
            return -1;
        const bool startsWord = found == 0 || !text[found - 1].isLetterOrNumber();
        score += startsWord ? 12 : found == at ? 6 : 1;
        at = found + 1;
    }
    return score * 100 - int(text.size()); // of equal ones the shorter name
}

CommandPalette::CommandPalette(const ActionRegistry& registry, QWidget* parent)
    : QDialog(parent, Qt::Popup)
    , m_registry(registry)
    , m_edit(new QLineEdit(this))
    , m_list(new QListWidget(this))
{
    setObjectName(u"commandPalette"_s);
    setAttribute(Qt::WA_DeleteOnClose);
    setAccessibleName(tr("Commands"));
    m_edit->setObjectName(u"paletteEdit"_s);
    m_edit->setAccessibleName(tr("Command"));
    m_edit->setPlaceholderText(tr("Type a few letters of a command"));
    m_edit->installEventFilter(this);
    m_list->setObjectName(u"paletteList"_s);
    m_list->setAccessibleName(tr("Matching commands"));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setItemDelegate(new CommandDelegate(this));
    m_list->setIconSize({16, 16});
    QPixmap nothing(16, 16); // keeps the names of commands without a picture in line
    nothing.fill(Qt::transparent);
    m_noIcon = QIcon(nothing);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    layout->addWidget(m_edit);
    layout->addWidget(m_list);
    resize(520, 380);
    connect(m_edit, &QLineEdit::textChanged, this, &CommandPalette::list);
    connect(m_edit, &QLineEdit::returnPressed, this, &CommandPalette::run);
    connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::run);
}

void CommandPalette::openAt(const QWidget& window)
{
    m_edit->clear();
    list();
    move(window.mapToGlobal(QPoint((window.width() - width()) / 2, window.height() / 8)));
    show();
    m_edit->setFocus();
}

void CommandPalette::list()
{
    std::vector<std::pair<int, QAction*>> matches;
    for (QAction* action : m_registry.actions()) {
        if (!action->isEnabled() || action->isSeparator() || action->menu())
            continue;
        if (const int score = fuzzyScore(m_edit->text(), nameOf(*action)); score >= 0 || m_edit->text().isEmpty())
            matches.emplace_back(score, action);
    }
    if (!m_edit->text().isEmpty())
        std::stable_sort(matches.begin(), matches.end(),
                         [](const auto& a, const auto& b) { return a.first > b.first; });
    m_list->clear();
    for (const auto& [score, action] : matches) {
        auto* item = new QListWidgetItem(action->icon().isNull() ? m_noIcon : action->icon(), nameOf(*action), m_list);
        item->setToolTip(action->toolTip());
        item->setData(ActionRole, QVariant::fromValue(action));
        item->setData(ShortcutRole, action->shortcut().toString(QKeySequence::NativeText));
    }
    m_list->setCurrentRow(0);
}

void CommandPalette::run()
{
    const QListWidgetItem* item = m_list->currentItem();
    if (!item)
        return;
    auto* action = item->data(ActionRole).value<QAction*>();
    close();
    action->trigger();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_edit && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        if (key == Qt::Key_Up || key == Qt::Key_Down || key == Qt::Key_PageUp || key == Qt::Key_PageDown) {
            QApplication::sendEvent(m_list, event);
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace paretoscope::app
