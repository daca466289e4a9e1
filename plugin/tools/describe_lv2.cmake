# cmake -DFILE=dsp.ttl -P describe_lv2.cmake: completes what JUCE has written about the plugin.
set(licence "doap:license <http://spdx.org/licenses/GPL-3.0-or-later>")
file(READ ${FILE} text)
string(REPLACE "\t\tfoaf:mbox <> ;\n" "" text "${text}")
string(REPLACE "\tdoap:name " "\t${licence} ;\n\tdoap:name " text "${text}")
file(WRITE ${FILE} "${text}")
