# SPDX-License-Identifier: GPL-2.0-only
# gnuplot: where pages landed, node ordinary against node private.
# Variables: ordinary, private (name TAB pages), out (without ending)
set style data histograms
set style fill solid 0.9
set boxwidth 0.8 relative
set grid ytics
set key outside top center horizontal
set logscale y
set yrange [0.5:*]
set ylabel "pages on the node (log scale; a stub is none)"
set title "The same attempts, the node ordinary and private"
set xtics rotate by -35 font ",9"
set bmargin 9
set lmargin 12
set rmargin 8
# A bar that ends below one page: none.
stub(n) = n > 0 ? n : 0.7
plot_it = "plot '< grep -v ^end ".ordinary."' using (stub($2)):xtic(1) title 'node is ordinary' linecolor '#c0504d', \
	'< grep -v ^end ".private."' using (stub($2)) title 'node is private' linecolor '#4f81bd'"
set terminal svg size 1000,560 dynamic noenhanced
set output out.".svg"
eval plot_it
set terminal pngcairo size 1000,560 noenhanced
set output out.".png"
eval plot_it
