home-title = Hafan
