search-heading = Beth weithiodd?
search-button = Chwilio
search-order = Trefnu yn ôl
search-remove = Dileu
search-previous = Tudalen flaenorol
search-next = Tudalen nesaf
