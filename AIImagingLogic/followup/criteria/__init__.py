"""Response criteria: what RECIST 1.1, iRECIST, PERCIST, Lugano (CT) and BTS say of lesions followed over visits."""
