// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/parameter_form.h"

#include "views/format/text.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"

#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Names that plugins share and that a sweep usually varies.
bool isUsual(const core::ParameterSpec& spec)
{
    static const QStringList usual {u"bits"_s, u"group_size"_s, u"sparsity"_s, u"pattern"_s, u"rank"_s, u"ratio"_s};
    return spec.cut || spec.defaultValue.is_null() || usual.contains(toQString(spec.name));
}

QString defaultText(const core::ParameterSpec& spec)
{
    return spec.defaultValue.is_null() ? QString() : textOfValues(spec, {spec.defaultValue});
}

/// "2–8 bit", "0 < … ≤ 1": what fits beside the field; the tool tip has the sentence.
QString shortRange(const core::ParameterSpec& spec)
{
    QString range;
    const auto number = [](double value) { return QString::number(value, 'g', 6); };
    if (spec.minimum && spec.maximum)
        range = spec.minimumExcluded ? u"> %1, ≤ %2"_s.arg(number(*spec.minimum), number(*spec.maximum))
                                     : u"%1–%2"_s.arg(number(*spec.minimum), number(*spec.maximum));
    else if (spec.minimum)
        range = (spec.minimumExcluded ? u"> %1"_s : u"≥ %1"_s).arg(number(*spec.minimum));
    for (const core::Json& special : spec.special)
        range += (range.isEmpty() ? QString() : u", "_s) + textOfValues(spec, {special});
    const QString unit = toQString(spec.unit);
    return unit.isEmpty() ? range : u"%1 %2"_s.arg(range, unit).trimmed();
}

} // namespace

ParameterForm::ParameterForm(const core::PluginManifest& plugin, QWidget* parent)
    : QWidget(parent)
    , m_plugin(plugin)
{
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(3);
    grid->setColumnStretch(1, 1);
    for (const core::ParameterSpec& spec : m_plugin.parameters)
        addRow(spec, int(m_rows.size()), *grid);
    const bool noneUsual = std::none_of(m_rows.begin(), m_rows.end(), [](const Row& row) { return row.usual; });
    for (Row& row : m_rows)
        row.usual = row.usual || noneUsual;
    m_more = new QToolButton(this);
    m_more->setObjectName(u"moreParameters"_s);
    m_more->setCheckable(true);
    m_more->setAutoRaise(true);
    m_more->setArrowType(Qt::RightArrow);
    m_more->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_more->setText(tr("All %n parameter(s)", nullptr, int(m_rows.size())));
    m_more->setToolTip(tr("Shows the parameters that are seldom changed too"));
    m_more->setVisible(std::any_of(m_rows.begin(), m_rows.end(), [](const Row& row) { return !row.usual; }));
    grid->addWidget(m_more, int(m_rows.size()), 1);
    connect(m_more, &QToolButton::toggled, this, &ParameterForm::showRows);
    showRows();
}

void ParameterForm::addRow(const core::ParameterSpec& spec, int at, QGridLayout& grid)
{
    Row row {.spec = &spec, .usual = isUsual(spec)};
    const QString name = toQString(spec.name);
    const QString tip = u"<p>%1</p><p>%2</p>"_s.arg(
        toQString(spec.doc).toHtmlEscaped(),
        tr("Takes %1. Several values, separated by commas, make a trial each; a range is written {from: 2, to: 8}.")
            .arg(toQString(spec.allowedText()).toHtmlEscaped()));
    row.label = new QLabel(name, this);
    row.label->setToolTip(tip);
    if (!spec.allowed.empty() || spec.type == core::ParameterType::Boolean) {
        auto* combo = new QComboBox(this);
        combo->setEditable(true);
        combo->setInsertPolicy(QComboBox::NoInsert);
        if (spec.type == core::ParameterType::Boolean)
            combo->addItems({u"false"_s, u"true"_s});
        for (const core::Json& value : spec.allowed)
            combo->addItem(textOfValues(spec, {value}));
        combo->setCurrentIndex(-1);
        row.editor = combo;
        row.edit = combo->lineEdit();
        connect(combo, &QComboBox::textActivated, this,
                [this, name](const QString& text) { Q_EMIT valueEdited(name, text); });
    } else {
        row.edit = new QLineEdit(this);
        row.editor = row.edit;
    }
    row.editor->setObjectName(u"parameter:%1"_s.arg(name));
    row.editor->setAccessibleName(name);
    row.editor->setToolTip(tip);
    row.edit->setAccessibleName(name);
    row.edit->setPlaceholderText(defaultText(spec));
    row.label->setBuddy(row.editor);
    row.range = new QLabel(shortRange(spec), this);
    row.range->setForegroundRole(QPalette::PlaceholderText);
    row.range->setToolTip(tip);
    row.reset = new QToolButton(this);
    row.reset->setObjectName(u"reset:%1"_s.arg(name));
    row.reset->setIcon(themedIcon(u"reset"_s));
    row.reset->setAutoRaise(true);
    row.reset->setAccessibleName(tr("Reset %1").arg(name));
    row.reset->setToolTip(tr("Back to the default, %1").arg(defaultText(spec)));
    connect(row.edit, &QLineEdit::textEdited, this,
            [this, name](const QString& text) { Q_EMIT valueEdited(name, text); });
    connect(row.reset, &QToolButton::clicked, this, [this, name] { Q_EMIT valueEdited(name, {}); });
    grid.addWidget(row.label, at, 0);
    grid.addWidget(row.editor, at, 1);
    grid.addWidget(row.range, at, 2);
    grid.addWidget(row.reset, at, 3);
    m_rows << row;
}

void ParameterForm::setValues(const QMap<QString, QString>& values)
{
    for (Row& row : m_rows) {
        const QString text = values.value(toQString(row.spec->name));
        if (row.edit->text() != text)
            row.edit->setText(text);
        mark(row);
    }
    showRows();
}

bool ParameterForm::hasProblem() const
{
    return std::any_of(m_rows.begin(), m_rows.end(), [this](const Row& row) {
        return !row.edit->text().isEmpty() && !problemOf(m_plugin, *row.spec, row.edit->text()).isEmpty();
    });
}

void ParameterForm::mark(Row& row)
{
    const QString text = row.edit->text();
    const bool changed = !text.isEmpty();
    const QString problem = changed ? problemOf(m_plugin, *row.spec, text) : QString();
    QFont weight = font();
    weight.setBold(changed);
    row.label->setFont(weight);
    row.reset->setVisible(changed);
    QPalette colours;
    if (!problem.isEmpty())
        colours.setColor(QPalette::PlaceholderText, themeColours(palette()).error);
    row.range->setPalette(colours);
    row.range->setText(problem.isEmpty() ? shortRange(*row.spec)
                                         : tr("takes %1").arg(toQString(row.spec->allowedText())));
}

void ParameterForm::showRows()
{
    m_more->setArrowType(m_more->isChecked() ? Qt::DownArrow : Qt::RightArrow);
    for (Row& row : m_rows) {
        const bool shown = row.usual || m_more->isChecked() || !row.edit->text().isEmpty();
        row.label->setVisible(shown);
        row.editor->setVisible(shown);
        row.range->setVisible(shown);
        row.reset->setVisible(shown && !row.edit->text().isEmpty());
    }
}

} // namespace paretoscope::views
