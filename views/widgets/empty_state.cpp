// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/widgets/empty_state.h"

#include <QAction>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

void clear(QLayout& layout)
{
    while (QLayoutItem* item = layout.takeAt(0)) {
        if (item->widget())
            item->widget()->deleteLater();
        delete item;
    }
}

QString plain(QString text)
{
    return text.remove('&'_L1);
}

} // namespace

EmptyState::EmptyState(QWidget* parent)
    : QWidget(parent)
    , m_title(new QLabel(this))
    , m_text(new QLabel(this))
    , m_buttons(new QVBoxLayout)
    , m_links(new QVBoxLayout)
{
    setObjectName(u"emptyState"_s);
    setBackgroundRole(QPalette::Base);
    setAutoFillBackground(true);
    QFont big = font();
    big.setPointSizeF(big.pointSizeF() * 1.35);
    big.setWeight(QFont::DemiBold);
    m_title->setFont(big);
    m_title->setAlignment(Qt::AlignHCenter);
    m_title->setWordWrap(true);
    m_title->setObjectName(u"emptyTitle"_s);
    m_title->setTextFormat(Qt::PlainText);
    m_text->setTextFormat(Qt::PlainText);
    m_text->setAlignment(Qt::AlignHCenter);
    m_text->setWordWrap(true);
    m_text->setMinimumWidth(120);
    m_text->setMaximumWidth(460);
    m_text->setForegroundRole(QPalette::PlaceholderText);
    m_text->setObjectName(u"emptyText"_s);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 12, 16, 12);
    layout->setSpacing(8);
    layout->addStretch(2);
    layout->addWidget(m_title);
    auto* centred = new QHBoxLayout;
    centred->addStretch();
    centred->addWidget(m_text, 10);
    centred->addStretch();
    layout->addLayout(centred);
    layout->addSpacing(6);
    layout->addLayout(m_buttons);
    layout->addLayout(m_links);
    layout->addStretch(3);
}

void EmptyState::setText(const QString& title, const QString& text)
{
    m_title->setText(title);
    m_text->setText(text);
    m_text->setVisible(!text.isEmpty());
}

void EmptyState::setActions(const QList<QAction*>& actions)
{
    clear(*m_buttons);
    for (QAction* action : actions) {
        auto* button = new QPushButton(action->icon(), action->text(), this);
        button->setObjectName(u"empty:%1"_s.arg(action->objectName()));
        button->setToolTip(action->toolTip());
        button->setEnabled(action->isEnabled());
        button->setMinimumWidth(230);
        button->setDefault(m_buttons->isEmpty());
        connect(button, &QPushButton::clicked, action, &QAction::trigger);
        connect(action, &QAction::enabledChanged, button, &QWidget::setEnabled);
        m_buttons->addWidget(button, 0, Qt::AlignHCenter);
    }
}

void EmptyState::setLinks(const QString& title, const QList<QAction*>& links)
{
    clear(*m_links);
    if (links.isEmpty())
        return;
    auto* label = new QLabel(title, this);
    label->setForegroundRole(QPalette::PlaceholderText);
    label->setContentsMargins(0, 10, 0, 0);
    m_links->addWidget(label, 0, Qt::AlignHCenter);
    for (QAction* link : links) {
        auto* button = new QToolButton(this);
        button->setAutoRaise(true);
        button->setText(plain(link->text()));
        button->setAccessibleName(plain(link->text()));
        button->setObjectName(u"emptyLink"_s);
        button->setToolTip(link->toolTip());
        button->setEnabled(link->isEnabled());
        connect(button, &QToolButton::clicked, link, &QAction::trigger);
        m_links->addWidget(button, 0, Qt::AlignHCenter);
    }
}

} // namespace paretoscope::views
