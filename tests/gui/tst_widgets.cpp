// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/legend_chip.h"
#include "views/widgets/empty_state.h"
#include "views/widgets/flow_layout.h"
#include "views/widgets/message_bar.h"
#include "views/widgets/tab_order.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

class TstWidgets : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void stormOfErrorsIsOneBar()
    {
        MessageBar bar;
        QVERIFY(bar.text().isEmpty());
        for (int i = 0; i < 100; ++i)
            bar.report({core::ErrorCode::Io, "file " + std::to_string(i) + " is gone", "look in the bin"});
        QVERIFY(bar.text().startsWith(u"file 99 is gone\nlook in the bin"_s));
        QVERIFY(bar.text().contains(u"100"_s));
        QCOMPARE(bar.history().size(), 100);
        QTest::mouseClick(bar.findChild<QToolButton*>(u"messageCopy"_s), Qt::LeftButton);
        QVERIFY(QGuiApplication::clipboard()->text().contains(u"file 7 is gone – look in the bin"_s));
        QTest::mouseClick(bar.findChild<QToolButton*>(u"messageClose"_s), Qt::LeftButton);
        QVERIFY(!bar.isVisible());
        bar.report({core::ErrorCode::Io, "one more", ""});
        QCOMPARE(bar.text(), u"one more"_s);
    }

    void emptyStateTriggersTheNextStep()
    {
        EmptyState empty;
        QAction action(u"New &sweep…"_s);
        action.setObjectName(u"file.new-sweep"_s);
        QSignalSpy triggered(&action, &QAction::triggered);
        empty.setText(u"Nothing here"_s, u"Start a sweep."_s);
        empty.setActions({&action});
        empty.show();
        auto* button = empty.findChild<QPushButton*>(u"empty:file.new-sweep"_s);
        QVERIFY(button);
        QTest::mouseClick(button, Qt::LeftButton);
        QCOMPARE(triggered.count(), 1);
        action.setEnabled(false);
        QVERIFY(!button->isEnabled());
    }

    void flowLayoutBreaksLines()
    {
        QWidget widget;
        auto* flow = new FlowLayout(&widget);
        for (int i = 0; i < 6; ++i) {
            auto* box = new QWidget;
            box->setFixedSize(80, 20);
            flow->addWidget(box);
        }
        QCOMPARE(flow->heightForWidth(1000), 20);
        QVERIFY(flow->heightForWidth(170) >= 60);
    }

    void smallItemsStandInTheMiddleOfTheirLine()
    {
        QWidget widget;
        auto* flow = new FlowLayout(&widget);
        QList<QWidget*> boxes;
        for (const QSize size : {QSize(80, 30), QSize(40, 10), QSize(90, 20)}) {
            auto* box = new QWidget;
            box->setFixedSize(size);
            flow->addWidget(box);
            boxes << box;
        }
        flow->setGeometry({0, 0, 150, 100});
        QCOMPARE(boxes[0]->geometry(), QRect(0, 0, 80, 30));
        QCOMPARE(boxes[1]->geometry(), QRect(82, 10, 40, 10));
        QCOMPARE(boxes[2]->geometry(), QRect(0, 32, 90, 20)); // in a line of its own
    }

    void longEntriesOfALegendAreShortened()
    {
        QWidget widget;
        auto* flow = new FlowLayout(&widget);
        auto* chip = new LegendChip;
        chip->setText(QString(200, u'x'));
        flow->addWidget(chip);
        QVERIFY(widget.minimumSizeHint().width() <= 200);
        flow->setGeometry({0, 0, 300, 100});
        QCOMPARE(chip->width(), 300);
        chip->setText(u"rtn"_s);
        QVERIFY(chip->sizeHint().width() < 100);
    }

    void tabVisitsThePartsInTheirOrder()
    {
        QWidget window;
        auto* below = new QWidget(&window);
        auto* above = new QWidget(&window); // made later than what is below it
        QList<QWidget*> wanted;
        for (QWidget* part : {above, below}) {
            for (int i = 0; i < 2; ++i) {
                auto* edit = new QLineEdit(part);
                wanted << edit;
            }
        }
        auto* last = new QSpinBox(below);
        wanted << last;
        orderTabs({above, below});
        QList<QWidget*> found;
        for (QWidget* widget = window.nextInFocusChain(); widget != &window; widget = widget->nextInFocusChain()) {
            if (wanted.contains(widget))
                found << widget;
        }
        QCOMPARE(found, wanted);
        orderTabs({below, above});
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        wanted[2]->setFocus();
        QTest::keyClick(wanted[2], Qt::Key_Tab);
        QCOMPARE(window.focusWidget(), wanted[3]);
        QTest::keyClick(wanted[3], Qt::Key_Tab);
        QCOMPARE(window.focusWidget(), last);
        QTest::keyClick(last, Qt::Key_Tab);
        QCOMPARE(window.focusWidget(), wanted[0]);
    }
};

QTEST_MAIN(TstWidgets)
#include "tst_widgets.moc"
