# SPDX-License-Identifier: GPL-2.0-only
# gnuplot: where memory lives with half of the DRAM, and what an access costs.
# Variables: table (METHOD, MiB in DRAM, MiB moved, MiB that these take, move in, read, write), out
set style fill solid 0.9
set grid ytics
set xtics rotate by -25 font ',9'
set rmargin 7
# Reads in place are a few instructions; a bar that ends below one: none.
stub(n) = n > 0 ? n : 0.7
plot_it = "set multiplot layout 1,2; \
	set style data histograms; set style histogram rowstacked; set boxwidth 0.6 relative; set key outside top center horizontal; \
	unset logscale y; set yrange [0:*]; set ylabel 'MiB'; set title 'What lives where (of the moved: what it takes)'; \
	plot '".table."' using 2:xtic(1) title 'DRAM' linecolor '#4f81bd', \
		'' using 4 title 'device, or zswap pool' linecolor '#c0504d', \
		'' using ($3 - $4) title 'gained' linecolor '#d9d9d9'; \
	set style histogram clustered gap 1; set boxwidth 0.9 relative; \
	set logscale y; set yrange [0.5:*]; set key outside top center horizontal; set ylabel 'instructions a page (log scale; a stub is none)'; set title 'What an access costs'; \
	plot '".table."' using (stub($5)):xtic(1) title 'move in' linecolor '#7f7f7f', \
		'' using (stub($6)) title 'first read' linecolor '#4f81bd', \
		'' using (stub($7)) title 'first write' linecolor '#c0504d'; \
	unset multiplot"
set terminal svg size 1100,520 dynamic noenhanced
set output out.".svg"
eval plot_it
set terminal pngcairo size 1100,520 noenhanced
set output out.".png"
eval plot_it
