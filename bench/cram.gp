# SPDX-License-Identifier: GPL-2.0-only
# gnuplot: instructions a page by method.  Variables: table (METHOD move read write warm), out (without ending)
set style data histograms
set style fill solid 0.9
set boxwidth 0.9 relative
set grid ytics
set key outside top center horizontal
set logscale y
set yrange [1:*]
set ylabel "instructions a page (log scale)"
set title "Cold memory: to move it away, and to use it again (without erms)"
plot_it = "plot '".table."' using 2:xtic(1) title 'move in' linecolor '#7f7f7f', \
	'' using 3 title 'first read' linecolor '#4f81bd', \
	'' using 4 title 'first write' linecolor '#c0504d', \
	'' using 5 title 'warm read' linecolor '#9bbb59'"
set terminal svg size 1000,560 dynamic noenhanced
set output out.".svg"
eval plot_it
set terminal pngcairo size 1000,560 noenhanced
set output out.".png"
eval plot_it
