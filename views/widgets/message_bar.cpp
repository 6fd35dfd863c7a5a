// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/widgets/message_bar.h"

#include "views/format/text.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"

#include <QClipboard>
#include <QEvent>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {
constexpr qsizetype kHistory = 500;
}

MessageBar::MessageBar(QWidget* parent)
    : QFrame(parent)
    , m_icon(new QLabel(this))
    , m_label(new QLabel(this))
    , m_copy(new QToolButton(this))
    , m_close(new QToolButton(this))
{
    setObjectName(u"messageBar"_s);
    setFrameShape(QFrame::NoFrame);
    setAutoFillBackground(true);
    m_label->setObjectName(u"messageText"_s);
    m_label->setWordWrap(true);
    m_label->setTextFormat(Qt::PlainText);
    m_label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_copy->setObjectName(u"messageCopy"_s);
    m_copy->setIcon(themedIcon(u"copy"_s));
    m_copy->setToolTip(tr("Copy this and all earlier messages"));
    m_copy->setAccessibleName(tr("Copy messages"));
    m_close->setObjectName(u"messageClose"_s);
    m_close->setIcon(themedIcon(u"close"_s));
    m_close->setToolTip(tr("Dismiss"));
    m_close->setAccessibleName(tr("Dismiss message"));
    for (QToolButton* button : {m_copy, m_close})
        button->setAutoRaise(true);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(12, 5, 8, 5);
    layout->setSpacing(8);
    layout->addWidget(m_icon);
    layout->addWidget(m_label, 1);
    layout->addWidget(m_copy);
    layout->addWidget(m_close);
    connect(m_copy, &QToolButton::clicked, this, &MessageBar::copyAll);
    connect(m_close, &QToolButton::clicked, this, &MessageBar::dismiss);
    hide();
}

void MessageBar::show(Level level, const QString& text, const QString& hint)
{
    const QString whole = hint.isEmpty() ? text : u"%1\n%2"_s.arg(text, hint);
    m_history << QString(whole).replace('\n'_L1, u" – "_s);
    if (m_history.size() > kHistory)
        m_history.removeFirst();
    m_level = m_pending > 0 ? std::max(m_level, level) : level;
    ++m_pending;
    m_label->setText(m_pending == 1 ? whole
                                    : tr("%1\n(%n message(s) in all, copy shows them)", nullptr, m_pending).arg(whole));
    applyColours();
    setVisible(true);
    Q_EMIT shown(true);
}

void MessageBar::report(const core::Error& error)
{
    show(Level::Error, toQString(error.message), toQString(error.hint));
}

QString MessageBar::text() const
{
    return isHidden() ? QString() : m_label->text();
}

void MessageBar::dismiss()
{
    m_pending = 0;
    hide();
    Q_EMIT shown(false);
}

void MessageBar::copyAll() const
{
    QGuiApplication::clipboard()->setText(m_history.join('\n'_L1));
}

void MessageBar::changeEvent(QEvent* event)
{
    QFrame::changeEvent(event);
    if (event->type() == QEvent::ApplicationPaletteChange)
        applyColours();
}

void MessageBar::applyColours()
{
    const QPalette application = QGuiApplication::palette();
    const ThemeColours& colours = themeColours(application);
    const QColor ink = m_level == Level::Error     ? colours.error
                       : m_level == Level::Warning ? colours.warning
                                                   : application.color(QPalette::Highlight);
    const QString icon = m_level == Level::Error ? u"error"_s : m_level == Level::Warning ? u"warning"_s : u"info"_s;
    m_icon->setPixmap(themedIcon(icon, ink).pixmap(QSize(18, 18), devicePixelRatioF()));
    m_icon->setAccessibleName(m_level == Level::Error     ? tr("Error")
                              : m_level == Level::Warning ? tr("Warning")
                                                          : tr("Information"));
    const QColor ground = application.color(QPalette::Window);
    const auto mix = [](int a, int b) { return (a * 84 + b * 16) / 100; };
    QPalette own = application;
    own.setColor(QPalette::Window, QColor(mix(ground.red(), ink.red()), mix(ground.green(), ink.green()),
                                          mix(ground.blue(), ink.blue())));
    setPalette(own);
}

} // namespace paretoscope::views
