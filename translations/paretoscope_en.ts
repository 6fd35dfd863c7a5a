<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>Roofline</name>
    <message numerus="yes">
        <source>%n layer(s)</source>
        <translation>
            <numerusform>%n layer</numerusform>
            <numerusform>%n layers</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n device(s)</source>
        <translation>
            <numerusform>%n device</numerusform>
            <numerusform>%n devices</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>RooflineCounters</name>
    <message numerus="yes">
        <source>Counted: %n kernel(s), %1, %2 of all</source>
        <translation>
            <numerusform>Counted: %n kernel, %1, %2 of all</numerusform>
            <numerusform>Counted: %n kernels, %1, %2 of all</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::app::MainWindow</name>
    <message numerus="yes">
        <source>%n trial(s)</source>
        <translation>
            <numerusform>%n trial</numerusform>
            <numerusform>%n trials</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n on the front</source>
        <translation>
            <numerusform>%n on the front</numerusform>
            <numerusform>%n on the front</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n selected</source>
        <translation>
            <numerusform>%n selected</numerusform>
            <numerusform>%n selected</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::FilterBar</name>
    <message numerus="yes">
        <source>%n trial(s)</source>
        <translation>
            <numerusform>%n trial</numerusform>
            <numerusform>%n trials</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 of %n trial(s)</source>
        <translation>
            <numerusform>%1 of %n trial</numerusform>
            <numerusform>%1 of %n trials</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::GraphView</name>
    <message numerus="yes">
        <source>%n layer(s) from layer %1</source>
        <translation>
            <numerusform>%n layer from layer %1</numerusform>
            <numerusform>%n layers from layer %1</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n operation(s), folded</source>
        <translation>
            <numerusform>%n operation, folded</numerusform>
            <numerusform>%n operations, folded</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n found</source>
        <translation>
            <numerusform>%n found</numerusform>
            <numerusform>%n found</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::InspectorModel</name>
    <message numerus="yes">
        <source>%1, %2, %n thread(s)</source>
        <translation>
            <numerusform>%1, %2, %n thread</numerusform>
            <numerusform>%1, %2, %n threads</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n more</source>
        <translation>
            <numerusform>%n more</numerusform>
            <numerusform>%n more</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n parameter(s)</source>
        <translation>
            <numerusform>%n parameter</numerusform>
            <numerusform>%n parameters</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::InspectorView</name>
    <message numerus="yes">
        <source>The last one of %n selected trial(s)</source>
        <translation>
            <numerusform>The selected trial</numerusform>
            <numerusform>The last one of %n selected trials</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::MessageBar</name>
    <message numerus="yes">
        <source>%1
(%n message(s) in all, copy shows them)</source>
        <translation>
            <numerusform>%1
(%n message in all, copy shows them)</numerusform>
            <numerusform>%1
(%n messages in all, copy shows them)</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::ParameterForm</name>
    <message numerus="yes">
        <source>All %n parameter(s)</source>
        <translation>
            <numerusform>All %n parameter</numerusform>
            <numerusform>All %n parameters</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::ParetoPlot</name>
    <message numerus="yes">
        <source>%n new point(s) outside the view – fit</source>
        <translation>
            <numerusform>%n new point outside the view – fit</numerusform>
            <numerusform>%n new points outside the view – fit</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 against %2, %n point(s). Arrow keys move the view, plus and minus zoom, 0 fits, Tab visits the front, then published points, Space selects. The trials table shows the same numbers.</source>
        <translation>
            <numerusform>%1 against %2, %n point. Arrow keys move the view, plus and minus zoom, 0 fits, Tab visits the front, then published points, Space selects. The trials table shows the same numbers.</numerusform>
            <numerusform>%1 against %2, %n points. Arrow keys move the view, plus and minus zoom, 0 fits, Tab visits the front, then published points, Space selects. The trials table shows the same numbers.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::ParetoView</name>
    <message numerus="yes">
        <source>%n trial(s) measured under another protocol are not drawn; choose the protocol above.</source>
        <translation>
            <numerusform>%n trial measured under another protocol is not drawn; choose the protocol above.</numerusform>
            <numerusform>%n trials measured under another protocol are not drawn; choose the protocol above.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n finished trial(s) cannot be predicted: %1</source>
        <translation>
            <numerusform>%n finished trial cannot be predicted: %1</numerusform>
            <numerusform>%n finished trials cannot be predicted: %1</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>✳ %n published point(s), measured under other protocols than the trials: %1. Each tells its source.</source>
        <translation>
            <numerusform>✳ %n published point, measured under other protocols than the trials: %1. It tells its source.</numerusform>
            <numerusform>✳ %n published points, measured under other protocols than the trials: %1. Each tells its source.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n point(s) are zero or negative and have no place on a logarithmic axis.</source>
        <translation>
            <numerusform>%n point is zero or negative and has no place on a logarithmic axis.</numerusform>
            <numerusform>%n points are zero or negative and have no place on a logarithmic axis.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::RooflineChart</name>
    <message numerus="yes">
        <source>%n operation(s) under the roofs of the device. Tab visits them by their share of the time, Space selects, arrow keys move the view, plus and minus zoom, 0 fits. The table of operations shows the same numbers.</source>
        <translation>
            <numerusform>%n operation under the roofs of the device. Tab visits them by their share of the time, Space selects, arrow keys move the view, plus and minus zoom, 0 fits. The table of operations shows the same numbers.</numerusform>
            <numerusform>%n operations under the roofs of the device. Tab visits them by their share of the time, Space selects, arrow keys move the view, plus and minus zoom, 0 fits. The table of operations shows the same numbers.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Behind them Tab visits %n point(s) that a profiler counted.</source>
        <translation>
            <numerusform>Behind them Tab visits %n point that a profiler counted.</numerusform>
            <numerusform>Behind them Tab visits %n points that a profiler counted.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::RunModel</name>
    <message numerus="yes">
        <source>, %n failed</source>
        <translation>
            <numerusform>, %n failed</numerusform>
            <numerusform>, %n failed</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1: %2 of %n trial(s)</source>
        <translation>
            <numerusform>%1: %2 of %n trial</numerusform>
            <numerusform>%1: %2 of %n trials</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1: stopped, %2 of %n trial(s) done%3</source>
        <translation>
            <numerusform>%1: stopped, %2 of %n trial done%3</numerusform>
            <numerusform>%1: stopped, %2 of %n trials done%3</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1: nothing to do, all %n trial(s) are in the project</source>
        <translation>
            <numerusform>%1: nothing to do, the trial is in the project</numerusform>
            <numerusform>%1: nothing to do, all %n trials are in the project</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::SettingPanel</name>
    <message numerus="yes">
        <source>%n device(s)</source>
        <translation>
            <numerusform>%n device</numerusform>
            <numerusform>%n devices</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>paretoscope::views::SweepBuilder</name>
    <message numerus="yes">
        <source>%n trial(s): </source>
        <translation>
            <numerusform>%n trial: </numerusform>
            <numerusform>%n trials: </numerusform>
        </translation>
    </message>
</context>
</TS>
