# SPDX-License-Identifier: GPL-2.0-only
# gnuplot: instructions a page by method.  Variables: table (METHOD move read write warm), out (without ending)
set style data histograms
set style fill solid 0.9
set boxwidth 0.9 relative
set grid ytics
set key outside top center horizontal
set logscale y
set yrange [0.5:*]
set ylabel "instructions a page (log scale; a stub is none)"
set title "Cold memory: to move it away, and to use it again (without erms)"
# A bar that ends below one: none.
stub(n) = n > 0 ? n : 0.7
plot_it = "plot '".table."' using (stub($2)):xtic(1) title 'move in' linecolor '#7f7f7f', \
	'' using (stub($3)) title 'first read' linecolor '#4f81bd', \
	'' using (stub($4)) title 'first write' linecolor '#c0504d', \
	'' using (stub($5)) title 'warm read' linecolor '#9bbb59'"
set terminal svg size 1000,560 dynamic noenhanced
set output out.".svg"
eval plot_it
set terminal pngcairo size 1000,560 noenhanced
set output out.".png"
eval plot_it
