#include "harness.h"
void xdp_event_cases(struct fixture *fixture)
{
	(void)fixture;
}
